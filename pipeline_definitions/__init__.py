"""How a model is made and released: pipelines written with the SageMaker SDK, and the definitions built from them.

Each pipeline is a package: `pipeline.py` (written for people, needs the SDK), `definition.json` (built from it by
`make pipelines`, committed, what CloudFormation deploys) and `scripts/` (what runs inside the steps: single files that
import nothing of ours, or folders that are packed into one file together with `shared/scripts/`).
"""
