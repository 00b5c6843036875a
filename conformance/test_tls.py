"""TLS on the port: clients that trust the service's own certificate, a certificate replaced under load, and who is refused."""

import json
import shutil
import socket
import ssl
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import SSLError

from architecture import Architecture, await_that
from millpond import Millpond, MillpondError, client

# The same port for both protocols; one is enough.
PROTOCOLS = ["json"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with a certificate of its own."""
    with Millpond(tmp_path_factory.mktemp("millpond"), ["--tls", "self-signed"]) as millpond:
        yield millpond


def context(bundle):
    return ssl.create_default_context(cafile=str(bundle))


def served(endpoint, bundle=None):
    """The certificate that a new connection is shown, as DER; verified when there is a bundle."""
    checked = context(bundle) if bundle else ssl._create_unverified_context()
    address = urlsplit(endpoint)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        with checked.wrap_socket(connection, server_hostname=address.hostname) as tls:
            return tls.getpeercert(binary_form=True)


def test_boto3_works_with_the_certificate_and_not_without(server, sqs):
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    assert url == f"{server.endpoint}/000000000000/jobs" and url.startswith("https://")
    sqs.send_message(QueueUrl=url, MessageBody="over TLS")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "over TLS"
    with pytest.raises(SSLError):
        client(server.endpoint).list_queues()


def test_the_certificate_is_good_for_every_name_of_this_machine(server):
    port = urlsplit(server.endpoint).port
    for name in ["127.0.0.1", "localhost"]:
        assert served(f"https://{name}:{port}", server.ready["ca_bundle"])


def test_commands_of_the_same_user_need_no_setting(server):
    for arguments in [["queue", "create", "typed"], ["send", "typed", "hello"], ["queues"], ["receive", "typed"]]:
        done = server.run(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)
    named = server.run("queues", "--endpoint", server.endpoint)
    assert named.returncode == 0 and "typed" in named.stdout


def test_the_settings_for_a_shell_name_the_certificate(server):
    bundle = server.ready["ca_bundle"]
    assert f"export AWS_CA_BUNDLE={bundle}\n" in server.run("env").stdout
    assert json.loads(server.run("env", "--json").stdout)["AWS_CA_BUNDLE"] == bundle
    assert f"export AWS_CA_BUNDLE={bundle}\n" in server.log()


def test_plain_http_is_told_what_to_do(server):
    address = urlsplit(server.endpoint)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reply = b"".join(iter(lambda: connection.recv(4096), b""))
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert reply.endswith(f"this port speaks TLS: use {server.endpoint}\n".encode())


def test_a_certificate_of_its_own_is_kept_and_used_again(server):
    before = served(server.endpoint)
    folder = Path(server.ready["ca_bundle"]).parent
    assert folder == server.config / "tls" / "localhost"
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == dict.fromkeys(
        ["ca.pem", "cert.pem", "key.pem"], "0o600"
    )
    server.restart()
    assert served(server.endpoint, server.ready["ca_bundle"]) == before


def pairs(tmp_path):
    """Two certificates with their keys and authorities, in folders of their own."""
    for name in ["one", "two"]:
        (tmp_path / name).mkdir()
        with Millpond(tmp_path / name, ["--tls", "self-signed"]) as millpond:
            yield Path(millpond.ready["ca_bundle"]).parent


def test_a_certificate_is_replaced_under_load(tmp_path):
    one, two = pairs(tmp_path)
    for file in ["cert.pem", "key.pem"]:
        shutil.copy(one / file, tmp_path / file)
    both = tmp_path / "both.pem"
    both.write_bytes((one / "ca.pem").read_bytes() + (two / "ca.pem").read_bytes())
    arguments = ["--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem"]
    with Millpond(tmp_path, arguments) as millpond:
        assert millpond.ready["ca_bundle"] is None
        sqs = client(millpond.endpoint, verify=str(both))
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        ended, failures, sent = threading.Event(), [], []

        def load():
            while not ended.is_set():
                try:
                    sent.append(sqs.send_message(QueueUrl=url, MessageBody="x")["MessageId"])
                    served(millpond.endpoint, both)
                except Exception as error:  # Whatever it is, it is a failure.
                    failures.append(error)
                    return

        worker = threading.Thread(target=load)
        worker.start()
        # Half of a pair at first, as a person would copy it: the old one stays.
        for file in ["cert.pem", "key.pem"]:
            shutil.copy(two / file, tmp_path / f"{file}.new")
            (tmp_path / f"{file}.new").rename(tmp_path / file)
        wanted = ssl.PEM_cert_to_DER_cert((two / "cert.pem").read_text())
        while served(millpond.endpoint) != wanted and worker.is_alive():
            pass
        ended.set()
        worker.join()
        assert failures == [] and sent
        assert served(millpond.endpoint, two / "ca.pem") == wanted


def test_a_certificate_without_its_key_is_told(tmp_path):
    one, two = pairs(tmp_path)
    with pytest.raises(MillpondError) as refused:
        Millpond(tmp_path, ["--tls-cert", one / "cert.pem", "--tls-key", two / "key.pem"]).__enter__()
    assert "can't be used with the key of" in str(refused.value)
    alone = Millpond(tmp_path).run("serve", "--tls-cert", str(one / "cert.pem"))
    assert alone.returncode == 2 and "--tls-key" in alone.stderr


def test_a_policy_can_demand_tls(server, tmp_path):
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": "arn:aws:sqs:us-east-1:000000000000:private",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    with Millpond(tmp_path) as plain:
        for millpond, allowed in [(server, True), (plain, False)]:
            sqs = millpond.client()
            url = sqs.create_queue(QueueName="private", Attributes={"Policy": policy})["QueueUrl"]
            if allowed:
                sqs.send_message(QueueUrl=url, MessageBody="x")
                continue
            with pytest.raises(sqs.exceptions.ClientError) as refused:
                sqs.send_message(QueueUrl=url, MessageBody="x")
            assert refused.value.response["Error"]["Code"] == "AccessDenied"


def test_a_whole_architecture_works_over_tls(tmp_path):
    (tmp_path / "millpond.toml").write_text('[service]\ntls = "self-signed"\n')
    with Architecture(tmp_path) as architecture:
        assert architecture.endpoint.startswith("https://")
        sent = architecture.run("send", "customers", "Jane,UK")
        assert sent.returncode == 0, sent.stderr
        await_that(lambda: architecture.rows() == [["Jane", "UK"]], architecture.log)
