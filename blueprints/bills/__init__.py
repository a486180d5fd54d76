"""What things cost: offers by place, lines, bills, and what is said of them."""
