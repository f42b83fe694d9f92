"""What can go wrong outside of our code, each told to a person in one line.

    EdgeError                what is wrong, and how to mend it; a command ends with exit code 2
    ├── BadSource            a video or stream that gives no pictures
    │   ├── SourceMissing    no such file
    │   ├── SourceUnreadable it is no video, or a broken one
    │   ├── SourceEmpty      a video without a single picture
    │   ├── SourceRefused    nobody answers at the address, or not to us
    │   ├── SourceForbidden  the address's user or password is wrong
    │   ├── SourceSilent     the pictures stopped
    │   └── DecoderDied      the decoder crashed on it, or was killed
    ├── BadModel             a model that cannot be loaded or whose layout is unknown
    ├── BadClasses           something to look for that the model does not know
    ├── BadLine              a line outside the picture or without length
    ├── BadMarks             marks of crossings that cannot be read
    ├── BadAsset             an asset that is missing, or that cannot be fetched
    ├── BadOutput            a file that cannot be written
    ├── BadSettings          the environment says too little or the wrong thing
    ├── BadConfiguration     the API's answer is not what its contract says
    ├── StateInUse           another process works in the state directory
    └── SpoolUnavailable     the spool cannot be written now, as on a full disk

Anything else that is raised is a bug.
"""


class EdgeError(Exception):
    """What is wrong and how to mend it, as one line for a person."""


class BadSource(EdgeError):
    pass


class SourceMissing(BadSource):
    pass


class SourceUnreadable(BadSource):
    pass


class SourceEmpty(BadSource):
    pass


class SourceRefused(BadSource):
    pass


class SourceForbidden(BadSource):
    pass


class SourceSilent(BadSource):
    pass


class DecoderDied(BadSource):
    pass


class BadModel(EdgeError):
    pass


class BadClasses(EdgeError):
    pass


class BadLine(EdgeError):
    pass


class BadMarks(EdgeError):
    pass


class BadAsset(EdgeError):
    pass


class BadOutput(EdgeError):
    pass


class BadSettings(EdgeError):
    pass


class BadConfiguration(EdgeError):
    pass


class StateInUse(EdgeError):
    pass


class SpoolUnavailable(EdgeError):
    pass
