"""What someone who is new here is told: secrets before any wait, hints that lead on, the reason that is the reason.

What always holds: no hint sends the root key to itself, and none blames the network for what a policy decides.
"""

import json

import pytest

from architecture import Architecture, await_that
from millpond import Millpond, client

PROTOCOLS = ["json"]

ADMIN = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "sqs:ReceiveMessage", "Resource": "*"}}


def key_of(iam, user):
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def test_a_secret_is_told_before_anything_is_waited_for(tmp_path):
    template = tmp_path / "team.yaml"
    template.write_text(
        "Resources:\n"
        "  Jane: {Type: 'AWS::IAM::User', Properties: {UserName: jane}}\n"
        "  Key: {Type: 'AWS::IAM::AccessKey', Properties: {UserName: !Ref Jane}}\n"
        "Outputs:\n"
        "  Id: {Value: !Ref Key}\n"
        "  Secret: {Value: !GetAtt Key.SecretAccessKey}\n"
    )
    with Millpond(tmp_path) as millpond:
        up = millpond.run("up", template, "--listen", millpond.endpoint.split("://")[1], "--data", millpond.data)
        assert up.returncode == 0, up.stderr
        told, summary = up.stdout.split("  queues  ")
        assert "Secrets of the stack team" in told
        secret = told.split("Secret ")[1].split()[0]
        assert len(secret) == 40 and secret not in summary and "****" in summary
        again = millpond.run("up", template, "--listen", millpond.endpoint.split("://")[1], "--data", millpond.data)
        assert "Secrets of" not in again.stdout, again.stdout


def test_a_role_that_may_not_is_told_as_such(tmp_path):
    with Architecture(tmp_path) as architecture:
        iam = client(architecture.endpoint, "iam")
        iam.put_role_policy(RoleName="customers-backend", PolicyName="deny", PolicyDocument=json.dumps(ADMIN))
        told = lambda: architecture.workload("backend")
        await_that(lambda: told()["state"] == "waiting", lambda: architecture.run("ps").stdout)
        reason = told()["reason"]
        assert "the queue service can't be reached" not in reason
        assert "the role customers-backend" in reason and "sqs:receivemessage" in reason
        (why,) = [part for part in reason.split("`") if part.startswith("millpond why ")]
        asked = architecture.run(*why.split()[1:])
        assert asked.returncode == 1 and "deny" in asked.stdout.lower(), asked


def test_who_is_denied_is_led_on(tmp_path):
    with Millpond(tmp_path) as millpond:
        jane = key_of(client(millpond.endpoint, "iam"), "jane")
        told = millpond.run("queues", environment=jane).stderr
        assert "to call with the root key; with it `millpond why`" in told
        refused = millpond.run("reset").stderr
        assert "--auth off" in refused and "unset" not in refused
        root = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        made = millpond.run("account", "create", "111122223333", "--json", environment=root)
        assert made.returncode == 0, made.stderr
        key = json.loads(made.stdout)
        other = {"AWS_ACCESS_KEY_ID": key["access_key_id"], "AWS_SECRET_ACCESS_KEY": key["secret_access_key"]}
        for command in ["ps", "stacks"]:
            denied = millpond.run(command, environment=other)
            assert denied.returncode == 1 and "belong to the default account 000000000000" in denied.stderr


@pytest.mark.parametrize("command", [["reset"], ["clock", "advance", "5"]], ids=lambda command: command[0])
def test_controls_name_all_that_they_need(tmp_path, command):
    with Millpond(tmp_path) as millpond:
        assert "--auth off" in millpond.run(*command).stderr
        assert "--auth off" in millpond.run(*command[:2], "--help").stdout


def test_env_forgets_a_certificate_of_its_own_alone(tmp_path):
    with Millpond(tmp_path) as millpond:
        own = str(millpond.config / "tls" / "localhost" / "ca.pem")
        left = millpond.run("env", environment={"AWS_CA_BUNDLE": own, "NODE_EXTRA_CA_CERTS": own}).stdout
        assert left.splitlines()[-1].endswith(" AWS_CA_BUNDLE NODE_EXTRA_CA_CERTS")
        theirs = millpond.run("env", environment={"AWS_CA_BUNDLE": "/etc/ssl/other.pem"}).stdout
        assert "AWS_CA_BUNDLE" not in theirs
        elsewhere = millpond.run("env", "--endpoint", millpond.endpoint, environment={"XDG_STATE_HOME": str(tmp_path / "x")})
        assert elsewhere.returncode == 0 and "AWS_ACCESS_KEY_ID=test\n" in elsewhere.stdout, elsewhere


def test_the_variable_that_is_missing_is_named(tmp_path):
    done = Millpond(tmp_path, environment={"HOME": None}).run("serve", "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "in the environment: MILLPOND_MASTER_KEY\n" in done.stderr, done


def test_up_says_where_tls_is_set_and_warnings_name_the_port(tmp_path):
    done = Millpond(tmp_path).run("up", "--tls", "self-signed")
    assert done.returncode == 2 and "millpond.toml" in done.stderr
    with Millpond(tmp_path, ["--auth", "off"]) as millpond:
        assert f"reaches {millpond.endpoint.split('://')[1]} may do everything" in millpond.log()


def test_an_account_whose_root_key_is_lost_gets_another(tmp_path):
    with Millpond(tmp_path) as millpond:
        made = [
            json.loads(millpond.run("account", verb, "111122223333", "--json").stdout) for verb in ("create", "new-key")
        ]
        old, new = [(key["access_key_id"], key["secret_access_key"]) for key in made]
        for _ in range(2):
            account = client(millpond.endpoint, "sts", key=new).get_caller_identity()["Account"]
            assert account == "111122223333"
            with pytest.raises(Exception, match="InvalidClientTokenId"):
                client(millpond.endpoint, "sts", key=old).get_caller_identity()
            millpond.restart()
        for number in ("000000000000", "444455556666"):
            assert millpond.run("account", "new-key", number).returncode == 1
