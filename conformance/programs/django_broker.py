"""The SQS broker of Django-Q2 with one thing mended, which is no matter of the service: Django-Q2 forks while a connection
is open, and where there is no TLS to notice, two processes that share one take each other's replies.
"""

import os

from django_q.brokers.aws_sqs import Sqs


class SqsOfEachProcess(Sqs):
    def __init__(self, list_key=None):
        super().__init__(list_key)
        self.process = os.getpid()

    def dequeue(self):
        self.connect()
        return super().dequeue()

    def delete(self, task_id):
        self.connect()
        super().delete(task_id)

    def connect(self):
        if self.process != os.getpid():
            self.process = os.getpid()
            self.queue = self.get_queue()
