"""From a checkpoint to a bundle: graphs authored operator by operator, calibrated, packed, proved equal to torch."""
