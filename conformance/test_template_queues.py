"""A template's queues have all that it gives them: dead-letter queue, FIFO settings, tags."""

import raw_http

PROTOCOLS = ["json"]

TEMPLATE = """
Resources:
  Dead:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: dead.fifo
      FifoQueue: true
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: jobs.fifo
      FifoQueue: true
      ContentBasedDeduplication: true
      VisibilityTimeout: 0
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt Dead.Arn
        maxReceiveCount: 1
      Tags:
        - Key: team
          Value: mill
"""


def deploy(endpoint, template):
    answer = raw_http.own(endpoint, "stacks/queues", {"file": "queues.yaml", "template": template, "parameters": {}})
    assert answer.status == 200, answer
    return answer.json()


def bodies(sqs, queue):
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [message["Body"] for message in found]


def test_queues_of_a_template(sqs, endpoint):
    deploy(endpoint, TEMPLATE)
    assert sqs.list_queue_tags(QueueUrl="jobs.fifo")["Tags"] == {"team": "mill"}
    sqs.send_message(QueueUrl="jobs.fifo", MessageBody="poison", MessageGroupId="g")
    assert bodies(sqs, "jobs.fifo") == ["poison"]
    assert bodies(sqs, "jobs.fifo") == []
    assert bodies(sqs, "dead.fifo") == ["poison"]


def test_the_same_template_again_changes_nothing(sqs, endpoint):
    deploy(endpoint, TEMPLATE)
    assert deploy(endpoint, TEMPLATE)["steps"] == []
    changed = deploy(endpoint, TEMPLATE.replace("Value: mill", "Value: other"))
    assert changed["steps"] != []
    assert sqs.list_queue_tags(QueueUrl="jobs.fifo")["Tags"] == {"team": "other"}
    without_tags = TEMPLATE[: TEMPLATE.index("      Tags:")]
    deploy(endpoint, without_tags)
    assert sqs.list_queue_tags(QueueUrl="jobs.fifo").get("Tags", {}) == {}
