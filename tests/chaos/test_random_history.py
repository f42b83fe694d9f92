"""The journey of tests/e2e/test_history_through_faults.py for as long as wanted, by a seed."""

import os
import random
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from history_journey import FAULTS, Journey, producer_of_anything
from running_system import System
