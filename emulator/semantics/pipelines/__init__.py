"""What a SageMaker pipeline definition means: pure functions from text, parameters and step states to decisions.

`parsing.parse` turns the JSON into frozen values and refuses what AWS refuses; `parameters.bind` gives the parameters
of one execution; `resolution.resolve` replaces references; `conditions.holds` judges a condition step;
`graph.decide` says which steps start and when the execution is over. Nothing here performs a step.
"""
