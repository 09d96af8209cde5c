"""What buyers will buy, and how right such predictions were."""
