"""What a CloudFormation template means: its functions, its order, and what is wrong with it before anything is made."""
