"""Production through a season of real flights: asked every day, told a week later what came to pass, left to itself."""
