"""What is known of the parameters: priors, likelihood, posterior draws and what follows from them."""
