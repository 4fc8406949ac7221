"""What SageMaker puts into a container and what it reads back: files, environment, command lines, failure texts.

Pure: names and values in, names and values out. `services/sagemaker/jobs` writes the files and runs the programs.
"""
