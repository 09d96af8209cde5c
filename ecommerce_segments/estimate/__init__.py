"""What takes more than SQL: what buyers will buy, how right such predictions were, and what channels add."""
