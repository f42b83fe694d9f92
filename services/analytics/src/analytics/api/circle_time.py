"""The contract `circle_time`, section 5: how well rooms are used."""

from common.app import contract_router
from common.contracts import Contract

router = contract_router(Contract.CIRCLE_TIME)
