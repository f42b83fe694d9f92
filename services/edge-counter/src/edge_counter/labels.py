"""The names of what models find."""

from typing import Final

PERSON: Final = "person"

# Of the data set COCO (Lin et al., "Microsoft COCO: Common Objects in Context", 2014), in the
# order in which models that have learnt from it say them.
COCO: Final = (
    PERSON,
    *"bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant".split(","),
    *"stop sign,parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear".split(","),
    *"zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,skis,snowboard".split(","),
    *"sports ball,kite,baseball bat,baseball glove,skateboard,surfboard".split(","),
    *"tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple".split(","),
    *"sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch".split(","),
    *"potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard".split(","),
    *"cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase".split(","),
    *"scissors,teddy bear,hair drier,toothbrush".split(","),
)


def labels_of(classes: int) -> tuple[str, ...]:
    """Return the known names of a model's classes, in its order.

    Args:
        classes: how many it tells apart: 80 are those of COCO; otherwise only the first is known.
    """
    return COCO if classes == len(COCO) else (PERSON,)
