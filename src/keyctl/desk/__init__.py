"""What a person does with orders and accounts: order, close, cancel, orders, balance, positions, price."""
