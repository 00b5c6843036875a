"""Who is let in by the policy of a queue, and who is not: other accounts, their users, roles and sessions, and callers who do
not say who they are. Then every action of SQS for one who may nothing.

What always holds: a denial comes before the queue is looked for, so nobody learns by it whether the queue is there; the
same is refused in AWS JSON and in AWS Query, with the same words. All of it runs without signatures that a client made up:
requests are signed by botocore, or not at all.
"""

import json
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from millpond import ACCESS_KEY, REGION, SECRET_KEY, client
from raw_http import JSON_TYPE, own, send

PROTOCOLS = ["json"]
OURS, THEIRS = "000000000000", "111122223333"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
BOTH = pytest.mark.parametrize("speaks", ["json", "query"])


class Caller:
    """Someone with a key, or nobody: sends SQS requests as bytes, in either protocol."""

    def __init__(self, endpoint, arn, *key):
        self.endpoint, self.arn, self.key = endpoint, arn, key

    def client(self, service="sqs"):
        return client(self.endpoint, service, self.key[:2], self.key[2] if len(self.key) > 2 else None)

    def asks(self, action, parameters, speaks="json"):
        """Status, code and text of the answer; code and text are None where it is no error."""
        headers, body = in_json(action, parameters) if speaks == "json" else in_query(action, parameters)
        request = AWSRequest("POST", self.endpoint + "/", data=body, headers=headers)
        if self.key:
            SigV4Auth(Credentials(*self.key), "sqs", REGION).add_auth(request)
        reply = send(self.endpoint, "POST", "/", body, {"Host": urlsplit(self.endpoint).netloc, **dict(request.headers)})
        if reply.status < 300:
            return reply.status, None, None
        told = reply.body.decode()
        if speaks == "json":
            told = json.loads(told)
            return reply.status, told["__type"], told.get("Message", told.get("message"))
        code, text = (told.split(f"<{tag}>")[1].split(f"</{tag}>")[0] for tag in ("Code", "Message"))
        return reply.status, code, text

    def is_denied(self, action, parameters, speaks, text):
        code = "com.amazon.coral.service#AccessDeniedException" if speaks == "json" else "AccessDenied"
        assert self.asks(action, parameters, speaks) == (403, code, text)


def in_json(action, parameters):
    return {"Content-Type": JSON_TYPE, "X-Amz-Target": f"AmazonSQS.{action}"}, json.dumps(parameters).encode()


def in_query(action, parameters):
    """Flattened as an old SDK would."""
    fields = {"Action": action, "Version": "2012-11-05"}
    names = {"Entries": f"{action}RequestEntry", "AWSAccountIds": "AWSAccountId", "Actions": "ActionName"}
    names |= {"AttributeNames": "AttributeName", "TagKeys": "TagKey"}
    for name, value in parameters.items():
        if isinstance(value, dict):
            one, parts = ("Tag", ("Key", "Value")) if name.lower() == "tags" else ("Attribute", ("Name", "Value"))
            for number, pair in enumerate(value.items(), 1):
                fields |= {f"{one}.{number}.{part}": text for part, text in zip(parts, pair)}
        elif isinstance(value, list):
            for number, item in enumerate(value, 1):
                start = f"{names[name]}.{number}"
                fields |= {f"{start}.{key}": text for key, text in item.items()} if isinstance(item, dict) else {start: item}
        else:
            fields[name] = value
    return {"Content-Type": FORM}, urlencode(fields).encode()


def denied(arn, action, resource, why=None):
    why = why or f"because no identity-based policy allows the {action} action"
    return f"User: {arn} is not authorized to perform: {action} on resource: {resource} {why}"


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(principal, *actions, resource="*", **more):
    return {"Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": resource, **more}


def policy_of(*actions, resource="*", effect="Allow"):
    return document({"Effect": effect, "Action": list(actions), "Resource": resource})


@pytest.fixture(scope="module")
def us(server):
    """The root of the default account."""
    return Caller(server.endpoint, f"arn:aws:iam::{OURS}:root", ACCESS_KEY, SECRET_KEY)


@pytest.fixture(scope="module")
def them(server):
    """The root of another account, whose key is told once."""
    made = own(server.endpoint, "accounts", {"account_id": THEIRS})
    assert made.status in (200, 201), made.body
    key = made.json()
    return Caller(server.endpoint, f"arn:aws:iam::{THEIRS}:root", key["access_key_id"], key["secret_access_key"])


def user_of(root, account, name, policy=None):
    iam = root.client("iam")
    iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Caller(root.endpoint, f"arn:aws:iam::{account}:user/{name}", key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module")
def nobody_special(us):
    """A user of ours without any policy."""
    return user_of(us, OURS, "plain")


@pytest.fixture(scope="module")
def bob(them):
    """A user of theirs who may do everything with queues, as far as their account goes."""
    return user_of(them, THEIRS, "bob", policy_of("sqs:*"))


@pytest.fixture(scope="module")
def guest(them):
    """A user of theirs whom nobody allows anything."""
    return user_of(them, THEIRS, "guest")


@pytest.fixture(scope="module")
def shift(them, bob):
    """A session of a role of theirs which may do everything with queues."""
    iam, role = them.client("iam"), f"arn:aws:iam::{THEIRS}:role/worker"
    trust = document({"Effect": "Allow", "Principal": {"AWS": bob.arn}, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="worker", PolicyName="all", PolicyDocument=policy_of("sqs:*"))
    given = bob.client("sts").assume_role(RoleArn=role, RoleSessionName="shift")["Credentials"]
    arn = f"arn:aws:sts::{THEIRS}:assumed-role/worker/shift"
    return Caller(them.endpoint, arn, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


class Queue:
    """A queue of ours, whose policy a test sets."""

    def __init__(self, us, name):
        self.us, self.name, self.arn = us, name, f"arn:aws:sqs:{REGION}:{OURS}:{name}"
        self.url = us.client().create_queue(QueueName=name)["QueueUrl"]

    def has(self, *statements):
        text = document(*statements) if statements else ""
        self.us.client().set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": text})

    def takes(self, caller, speaks="json"):
        return caller.asks("SendMessage", {"QueueUrl": self.url, "MessageBody": "x"}, speaks)

    def refuses(self, caller, why=None, speaks="json"):
        text = denied(caller.arn, "sqs:sendmessage", self.arn, why)
        caller.is_denied("SendMessage", {"QueueUrl": self.url, "MessageBody": "x"}, speaks, text)


NO_RESOURCE = "because no resource-based policy allows the sqs:sendmessage action"
BY_RESOURCE = "with an explicit deny in a resource-based policy"


@pytest.fixture
def shared(us, unique_name):
    """A queue of ours without a policy."""
    queue = Queue(us, unique_name())
    yield queue
    us.client().delete_queue(QueueUrl=queue.url)


@BOTH
def test_another_account_is_let_in_by_the_queue_and_by_its_own_policies(shared, them, bob, guest, shift, speaks):
    for caller in (them, bob, shift):
        shared.refuses(caller, NO_RESOURCE, speaks)
    shared.has(allow({"AWS": THEIRS}, "sqs:SendMessage"))
    for caller in (them, bob, shift):
        assert shared.takes(caller, speaks)[0] == 200
    # Its account lets nobody in whom it does not allow it itself.
    shared.refuses(guest, speaks=speaks)
    # What was allowed is what was named.
    text = denied(bob.arn, "sqs:receivemessage", shared.arn, NO_RESOURCE.replace("send", "receive"))
    bob.is_denied("ReceiveMessage", {"QueueUrl": shared.url}, speaks, text)
    shared.has()
    shared.refuses(bob, NO_RESOURCE, speaks)


def test_a_user_a_role_and_a_session_are_named(shared, them, bob, shift):
    role = f"arn:aws:iam::{THEIRS}:role/worker"
    for principal, may, may_not in (
        (bob.arn, [bob], [shift, them]),
        (role, [shift], [bob, them]),
        (shift.arn, [shift], [bob, them]),
        (f"arn:aws:sts::{THEIRS}:assumed-role/worker/other", [], [shift, bob]),
        (f"arn:aws:iam::{THEIRS}:root", [them, bob, shift], []),
    ):
        shared.has(allow({"AWS": principal}, "sqs:SendMessage"))
        for caller in may:
            assert shared.takes(caller)[0] == 200, (principal, caller.arn)
        for caller in may_not:
            shared.refuses(caller, NO_RESOURCE)


def test_within_the_account_the_queue_alone_is_enough(shared, nobody_special):
    shared.refuses(nobody_special)
    shared.has(allow({"AWS": nobody_special.arn}, "sqs:SendMessage"))
    assert shared.takes(nobody_special)[0] == 200
    shared.has(allow({"AWS": OURS}, "sqs:SendMessage"))
    # The account's name leaves it to the account's own policies.
    shared.refuses(nobody_special)


def test_a_deny_of_the_queue_wins(shared, us, bob, nobody_special):
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    shared.has(allow("*", "sqs:*"), deny)
    for caller in (bob, nobody_special, us):
        shared.refuses(caller, BY_RESOURCE)
    shared.has(allow("*", "sqs:*"), {**deny, "Principal": {"AWS": bob.arn}})
    shared.refuses(bob, BY_RESOURCE)
    assert shared.takes(nobody_special)[0] == shared.takes(us)[0] == 200


def test_all_but_those_who_are_named_are_denied(shared, them, bob, shift, us):
    named = {"AWS": [bob.arn, f"arn:aws:iam::{THEIRS}:root"]}
    deny = {"Effect": "Deny", "NotPrincipal": named, "Action": "sqs:SendMessage", "Resource": "*"}
    shared.has(allow({"AWS": THEIRS}, "sqs:SendMessage"), deny)
    assert shared.takes(bob)[0] == 200
    shared.refuses(shift, BY_RESOURCE)
    # The root of the owner is one of those who are not named.
    shared.refuses(us, BY_RESOURCE)


def test_nobody_is_locked_out_for_good(shared, us, nobody_special):
    admin = user_of(us, OURS, f"admin-{shared.name}", policy_of("sqs:*"))
    attributes = {"QueueUrl": shared.url, "Attributes": {"Policy": ""}}
    shared.has({"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"})
    for caller in (us, admin):
        shared.refuses(caller, BY_RESOURCE)
    text = denied(admin.arn, "sqs:setqueueattributes", shared.arn, BY_RESOURCE)
    admin.is_denied("SetQueueAttributes", attributes, "json", text)
    text = denied(us.arn, "sqs:purgequeue", shared.arn, BY_RESOURCE)
    us.is_denied("PurgeQueue", {"QueueUrl": shared.url}, "json", text)
    # Only the root of the account that the queue belongs to can open it again.
    assert us.asks("SetQueueAttributes", attributes)[0] == 200
    for caller in (us, admin):
        assert shared.takes(caller)[0] == 200


@BOTH
def test_nobody_in_particular_is_let_in_by_everyone(shared, us, speaks):
    anyone = Caller(us.endpoint, None)
    text = f"Access to the resource {shared.url} is denied."
    anyone.is_denied("SendMessage", {"QueueUrl": shared.url, "MessageBody": "x"}, speaks, text)
    shared.has(allow({"AWS": OURS}, "sqs:*"))
    anyone.is_denied("SendMessage", {"QueueUrl": shared.url, "MessageBody": "x"}, speaks, text)
    shared.has(allow("*", "sqs:SendMessage"))
    assert shared.takes(anyone, speaks)[0] == 200
    anyone.is_denied("ReceiveMessage", {"QueueUrl": shared.url}, speaks, text)
    only_there = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    shared.has(allow("*", "sqs:SendMessage", Condition=only_there))
    anyone.is_denied("SendMessage", {"QueueUrl": shared.url, "MessageBody": "x"}, speaks, text)
    # What has no queue is for nobody.
    assert anyone.asks("ListQueues", {}, speaks)[0] == 403
    # A queue that is not there is refused in the same words.
    absent = f"{us.endpoint}/{OURS}/absent"
    anyone.is_denied("SendMessage", {"QueueUrl": absent, "MessageBody": "x"}, speaks, f"Access to the resource {absent} is denied.")


def test_a_permission_that_was_added_lets_another_account_in(shared, us, bob):
    us.client().add_permission(QueueUrl=shared.url, Label="them", AWSAccountIds=[THEIRS], Actions=["SendMessage", "GetQueueUrl"])
    assert shared.takes(bob)[0] == 200
    found = bob.client().get_queue_url(QueueName=shared.name, QueueOwnerAWSAccountId=OURS)
    assert urlsplit(found["QueueUrl"]).path == urlsplit(shared.url).path
    us.client().remove_permission(QueueUrl=shared.url, Label="them")
    shared.refuses(bob, NO_RESOURCE)


def test_no_policy_of_a_queue_gives_its_administration_away(shared, bob):
    shared.has(allow({"AWS": THEIRS}, "sqs:*"))
    url = {"QueueUrl": shared.url}
    for action, parameters in (
        ("SetQueueAttributes", {**url, "Attributes": {"VisibilityTimeout": "1"}}),
        ("DeleteQueue", url),
        ("TagQueue", {**url, "Tags": {"a": "b"}}),
        ("ListQueueTags", url),
        ("AddPermission", {**url, "Label": "x", "AWSAccountIds": [THEIRS], "Actions": ["*"]}),
    ):
        assert bob.asks(action, parameters)[:2] == (403, "com.amazon.coral.service#AccessDeniedException"), action
    for action, parameters in (("GetQueueAttributes", url), ("PurgeQueue", url), ("ReceiveMessage", url)):
        assert bob.asks(action, parameters)[0] == 200, action


def test_accounts_do_not_see_each_others_queues(shared, us, them):
    them.client().create_queue(QueueName=shared.name)
    theirs = them.client().list_queues().get("QueueUrls", [])
    assert [urlsplit(url).path for url in theirs] == [f"/{THEIRS}/{shared.name}"]
    ours = us.client().list_queues(QueueNamePrefix=shared.name)["QueueUrls"]
    assert [urlsplit(url).path for url in ours] == [f"/{OURS}/{shared.name}"]
    them.client().delete_queue(QueueUrl=f"{us.endpoint}/{THEIRS}/{shared.name}")


def test_a_queue_with_tags_takes_the_right_to_tag(us, unique_name):
    maker = user_of(us, OURS, unique_name("maker"), policy_of("sqs:CreateQueue"))
    name = unique_name()
    text = denied(maker.arn, "sqs:tagqueue", f"arn:aws:sqs:{REGION}:{OURS}:{name}")
    for speaks, tags in (("json", "tags"), ("query", "Tags")):
        maker.is_denied("CreateQueue", {"QueueName": name, tags: {"team": "mill"}}, speaks, text)
    with pytest.raises(ClientError):
        us.client().get_queue_url(QueueName=name)
    assert maker.asks("CreateQueue", {"QueueName": name})[0] == 200
    us.client().delete_queue(QueueUrl=f"{us.endpoint}/{OURS}/{name}")


def test_a_move_is_authorised_on_source_and_destination(us, unique_name):
    source, other, name = (Queue(us, unique_name(prefix)) for prefix in ("dead", "other", "jobs"))
    redrive = json.dumps({"deadLetterTargetArn": source.arn, "maxReceiveCount": 1})
    us.client().set_queue_attributes(QueueUrl=name.url, Attributes={"RedrivePolicy": redrive})
    on_source = {"Effect": "Allow", "Action": ["sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage",
                 "sqs:GetQueueAttributes", "sqs:ListMessageMoveTasks"], "Resource": source.arn}
    to_other = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": other.arn}
    mover = user_of(us, OURS, unique_name("mover"), document(on_source))
    move = {"SourceArn": source.arn, "DestinationArn": other.arn}
    mover.is_denied("StartMessageMoveTask", move, "json", denied(mover.arn, "sqs:sendmessage", other.arn))
    # Back to where they came from is to send there.
    text = denied(mover.arn, "sqs:sendmessage", name.arn)
    mover.is_denied("StartMessageMoveTask", {"SourceArn": source.arn}, "json", text)
    user = mover.arn.rsplit("/", 1)[1]
    put = us.client("iam").put_user_policy
    put(UserName=user, PolicyName="own", PolicyDocument=document(on_source, to_other))
    started = mover.client().start_message_move_task(**move)
    # The handle of a task names the queue that it is about.
    handle = {"TaskHandle": started["TaskHandle"]}
    for speaks in ("json", "query"):
        text = denied(mover.arn, "sqs:cancelmessagemovetask", source.arn)
        mover.is_denied("CancelMessageMoveTask", handle, speaks, text)
    assert mover.asks("ListMessageMoveTasks", {"SourceArn": source.arn})[0] == 200
    put(UserName=user, PolicyName="own", PolicyDocument=document({**on_source, "Action": "sqs:StartMessageMoveTask"}, to_other))
    text = denied(mover.arn, "sqs:receivemessage", source.arn)
    mover.is_denied("StartMessageMoveTask", move, "query", text)
    elsewhere = {"SourceArn": other.arn}
    mover.is_denied("ListMessageMoveTasks", elsewhere, "query", denied(mover.arn, "sqs:listmessagemovetasks", other.arn))
    for queue in (name, source, other):
        us.client().delete_queue(QueueUrl=queue.url)


ENTRY = {"Id": "a", "ReceiptHandle": "x"}
# Action, its permission where that is another, what it is authorised on, and parameters beside those that name it.
ON_QUEUE = [
    ("AddPermission", None, {"Label": "x", "AWSAccountIds": [OURS], "Actions": ["SendMessage"]}),
    ("ChangeMessageVisibility", None, {"ReceiptHandle": "x", "VisibilityTimeout": 1}),
    ("ChangeMessageVisibilityBatch", "ChangeMessageVisibility", {"Entries": [{**ENTRY, "VisibilityTimeout": 1}]}),
    ("DeleteMessage", None, {"ReceiptHandle": "x"}),
    ("DeleteMessageBatch", "DeleteMessage", {"Entries": [ENTRY]}),
    ("DeleteQueue", None, {}),
    ("GetQueueAttributes", None, {"AttributeNames": ["All"]}),
    ("ListDeadLetterSourceQueues", None, {}),
    ("ListQueueTags", None, {}),
    ("PurgeQueue", None, {}),
    ("ReceiveMessage", None, {}),
    ("RemovePermission", None, {"Label": "x"}),
    ("SendMessage", None, {"MessageBody": "x"}),
    ("SendMessageBatch", "SendMessage", {"Entries": [{"Id": "a", "MessageBody": "x"}]}),
    ("SetQueueAttributes", None, {"Attributes": {"VisibilityTimeout": "1"}}),
    ("TagQueue", None, {"Tags": {"a": "b"}}),
    ("UntagQueue", None, {"TagKeys": ["a"]}),
]


def all_actions(endpoint, name):
    """Every action of SQS about a queue of that name: what is asked, the permission and the resource."""
    arn, url = f"arn:aws:sqs:{REGION}:{OURS}:{name}", {"QueueUrl": f"{endpoint}/{OURS}/{name}"}
    for action, permission, more in ON_QUEUE:
        yield action, permission or action, arn, {**url, **more}
    for action in ("CreateQueue", "GetQueueUrl"):
        yield action, action, arn, {"QueueName": name}
    for action in ("ListMessageMoveTasks", "StartMessageMoveTask"):
        yield action, action, arn, {"SourceArn": arn}
    yield "ListQueues", "ListQueues", f"arn:aws:sqs:{REGION}:{OURS}:", {}


@BOTH
@pytest.mark.parametrize("there", [True, False], ids=["there", "absent"])
def test_who_may_nothing_is_told_so_for_every_action(us, nobody_special, unique_name, speaks, there):
    name = unique_name()
    if there:
        us.client().create_queue(QueueName=name)
    asked = set()
    for action, permission, resource, parameters in all_actions(us.endpoint, name):
        text = denied(nobody_special.arn, f"sqs:{permission.lower()}", resource)
        nobody_special.is_denied(action, parameters, speaks, text)
        asked.add(action)
    # The 23rd, CancelMessageMoveTask, takes the handle of a task: see above.
    assert len(asked) == 22
    if there:
        us.client().delete_queue(QueueUrl=f"{us.endpoint}/{OURS}/{name}")


def test_queue_policies_survive_a_crash(server, us, bob, nobody_special, unique_name):
    queue = Queue(us, unique_name())
    queue.has(allow({"AWS": [bob.arn, nobody_special.arn]}, "sqs:SendMessage"))
    server.restart()
    assert queue.takes(bob)[0] == queue.takes(nobody_special)[0] == 200
    queue.has()
    queue.refuses(bob, NO_RESOURCE)
    us.client().delete_queue(QueueUrl=queue.url)


def test_a_role_of_another_account_takes_both_sides(us, bob, guest, them):
    role = f"arn:aws:iam::{OURS}:role/visitor"
    trust = document({"Effect": "Allow", "Principal": {"AWS": THEIRS}, "Action": "sts:AssumeRole"})
    us.client("iam").create_role(RoleName="visitor", AssumeRolePolicyDocument=trust)
    us.client("iam").put_role_policy(RoleName="visitor", PolicyName="own", PolicyDocument=policy_of("sqs:ListQueues"))

    def assume(caller):
        return caller.client("sts").assume_role(RoleArn=role, RoleSessionName="visit")

    for caller in (bob, guest):
        with pytest.raises(ClientError) as refused:
            assume(caller)
        assert refused.value.response["Error"]["Code"] == "AccessDenied"
    them.client("iam").put_user_policy(
        UserName="guest", PolicyName="visit", PolicyDocument=policy_of("sts:AssumeRole", resource=role)
    )
    given = assume(guest)["Credentials"]
    visitor = Caller(us.endpoint, None, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert visitor.client("sts").get_caller_identity()["Account"] == OURS
    assert visitor.asks("ListQueues", {})[0] == 200
    them.client("iam").delete_user_policy(UserName="guest", PolicyName="visit")


@pytest.fixture
def own_and_other(us, unique_name):
    """A user, the one queue that it may use, and another one with a message, whose receipt handle it got hold of."""
    mine, other = Queue(us, unique_name("mine")), Queue(us, unique_name("other"))
    user = user_of(us, OURS, unique_name("user"), policy_of("sqs:*", resource=mine.arn))
    sqs = us.client()
    sqs.send_message(QueueUrl=other.url, MessageBody="secret")
    handle = sqs.receive_message(QueueUrl=other.url, VisibilityTimeout=3600)["Messages"][0]["ReceiptHandle"]
    yield user, mine, other, handle
    for queue in (mine, other):
        sqs.delete_queue(QueueUrl=queue.url)


@BOTH
def test_a_handle_of_another_queue_opens_nothing(us, own_and_other, speaks):
    user, mine, other, handle = own_and_other
    for action, more in (("DeleteMessage", {}), ("ChangeMessageVisibility", {"VisibilityTimeout": 0})):
        status, code, _ = user.asks(action, {"QueueUrl": mine.url, "ReceiptHandle": handle, **more}, speaks)
        assert (status, code.endswith("ReceiptHandleIsInvalid")) in ((400, True), (404, True)), (status, code)
    told = us.client().get_queue_attributes(QueueUrl=other.url, AttributeNames=["All"])["Attributes"]
    assert (told["ApproximateNumberOfMessages"], told["ApproximateNumberOfMessagesNotVisible"]) == ("0", "1")


@BOTH
def test_the_queue_that_is_authorised_is_the_one_that_is_used(us, own_and_other, speaks):
    user, mine, other, _ = own_and_other
    paths = [urlsplit(mine.url).path, urlsplit(other.url).path]
    for path in paths:
        for named in (mine, other):
            headers, body = (in_json if speaks == "json" else in_query)("SendMessage", {"QueueUrl": named.url, "MessageBody": "x"})
            request = AWSRequest("POST", us.endpoint + path, data=body, headers=headers)
            SigV4Auth(Credentials(*user.key), "sqs", REGION).add_auth(request)
            send(us.endpoint, "POST", path, body, {"Host": urlsplit(us.endpoint).netloc, **dict(request.headers)})
    told = us.client().get_queue_attributes(QueueUrl=other.url, AttributeNames=["All"])["Attributes"]
    assert told["ApproximateNumberOfMessages"] == "0"


def test_dead_letters_do_not_go_to_another_account(shared, us, them):
    them.client().create_queue(QueueName="theirs")
    target = f"arn:aws:sqs:{REGION}:{THEIRS}:theirs"
    redrive = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 1})
    with pytest.raises(ClientError) as refused:
        us.client().set_queue_attributes(QueueUrl=shared.url, Attributes={"RedrivePolicy": redrive})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    them.client().delete_queue(QueueUrl=f"{us.endpoint}/{THEIRS}/theirs")
