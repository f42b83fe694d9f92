"""The contract `university`: reports."""

from common.app import contract_router
from common.contracts import Contract

router = contract_router(Contract.UNIVERSITY)
