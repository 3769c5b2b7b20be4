"""customer-tiers: a batch pipeline from sales and service records to customer tiers."""
