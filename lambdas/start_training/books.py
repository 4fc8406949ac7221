"""What `start_training` keeps books with: the model's files, runs, trail and people."""

from dataclasses import dataclass

from lambdas.shared.clients import Clients
from lambdas.shared.ledger.files import Files
from lambdas.shared.ledger.runs import Runs
from lambdas.shared.ledger.table import Table
from lambdas.shared.ledger.trail import Trail
from lambdas.shared.people import People
from lambdas.shared.settings import StartTrainingSettings


@dataclass(frozen=True)
class Books:
    """The parts of the ledger that ingest writes, and the people it tells."""

    files: Files
    runs: Runs
    trail: Trail
    people: People


def open_books(settings: StartTrainingSettings, clients: Clients) -> Books:
    """The books of the model that the settings name."""
    shared = settings.shared
    table = Table(clients.dynamodb, shared.ledger_table)
    trail = Trail(table, shared.model)
    people = People(clients.sns, shared.people_topic_arn, shared.model, trail)
    return Books(Files(table, shared.model), Runs(table, shared.model), trail, people)
