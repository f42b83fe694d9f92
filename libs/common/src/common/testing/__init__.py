"""What tests stand on: the real servers, started when first asked for, never outliving the run."""
