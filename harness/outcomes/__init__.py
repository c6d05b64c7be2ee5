"""What trials and studies come to: the late score of a trial, the winner of a study."""
