"""Programs written against Amazon SQS run unchanged after `eval "$(millpond env)"`, into a real database."""

import subprocess
import sys
from pathlib import Path

import mysql.connector
import pytest
from mariadb import MariaDb
from millpond import Millpond, binary
from old_sdk import packages

# The programs are written with boto3.
CLIENTS = []

PROGRAMS = Path(__file__).with_name("programs")


@pytest.fixture
def server(tmp_path):
    """A server of this user's own: `millpond env` finds it by what it left there."""
    with Millpond(tmp_path) as millpond:
        yield millpond


@pytest.fixture(scope="module")
def database():
    """A MariaDB with an empty table of customers."""
    with MariaDb() as mariadb:
        with connected(mariadb) as connection:
            # No unique key: a row that lands twice is two rows.
            connection.cursor().execute("CREATE TABLE customers (name VARCHAR(100), country VARCHAR(100))")
        yield mariadb


@pytest.fixture
def sdk(protocol):
    """What makes a program use the boto3 that speaks this protocol."""
    return {"PYTHONPATH": str(packages())} if protocol == "query" else {}


def connected(mariadb):
    return mysql.connector.connect(**mariadb.connection_arguments(), autocommit=True)


def run_in_shell(server, program, **more):
    """Runs a program as a person would: in a shell, with the settings that the binary prints."""
    script = f'eval "$({binary()} env)" && exec {sys.executable} {PROGRAMS / program}'
    environment = {**server.environment(), **more}
    finished = subprocess.run(
        ["bash", "-c", script], env=environment, cwd=server.folder, capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()


def test_a_sender_and_a_receiver_with_a_database(server, database, sdk):
    with connected(database) as connection:
        connection.cursor().execute("DELETE FROM customers")
    url = server.client().create_queue(QueueName="customers")["QueueUrl"]
    settings = database.connection_arguments()
    where = {
        "DB_HOST": settings["host"],
        "DB_PORT": str(settings["port"]),
        "DB_USER": settings["user"],
        "DB_PASSWORD": settings["password"],
        "DB_NAME": settings["database"],
    }

    ids = run_in_shell(server, "sender.py", **sdk)
    assert len(set(ids)) == 3
    # The backend was down until now, and the queue's service falls over in the meantime.
    server.restart()
    stored = run_in_shell(server, "receiver.py", **where, **sdk)

    assert sorted(stored) == ["stored Jane", "stored O'Brien", "stored Pelé"]
    with connected(database) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT name, country FROM customers ORDER BY name")
        assert cursor.fetchall() == [("Jane", "UK"), ("O'Brien", "Ireland"), ("Pelé", "Brazil")]
    counts = server.client().get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == counts["ApproximateNumberOfMessagesNotVisible"] == "0"
