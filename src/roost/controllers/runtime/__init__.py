"""What every controller stands on: cache, keyed queue, leader, status writer. Knows no kind."""
