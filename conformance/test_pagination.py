"""Lists of queues come in pages: a token only where pages were asked for and more remain."""

import pytest

from raw_http import call


@pytest.fixture
def seven(sqs, make_queue, unique_name):
    """A prefix that exactly seven queues share, and their URLs."""
    prefix = unique_name("page")
    return prefix, {make_queue(prefix) for _ in range(7)}


def test_pages_cover_every_queue_once(sqs, seven):
    prefix, urls = seven
    pages, token = [], {}
    while True:
        page = sqs.list_queues(QueueNamePrefix=prefix, MaxResults=3, **token)
        pages.append(page["QueueUrls"])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert [len(page) for page in pages] == [3, 3, 1]
    assert {url for page in pages for url in page} == urls


def test_the_sdks_paginator_works(sqs, seven):
    prefix, urls = seven
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2})
    assert {url for page in pages for url in page["QueueUrls"]} == urls


def test_without_max_results_there_is_no_token(sqs, seven):
    prefix, urls = seven
    answer = sqs.list_queues(QueueNamePrefix=prefix)
    assert set(answer["QueueUrls"]) == urls
    assert "NextToken" not in answer


def test_an_exactly_full_page_is_the_last(sqs, seven):
    prefix, urls = seven
    answer = sqs.list_queues(QueueNamePrefix=prefix, MaxResults=len(urls))
    assert set(answer["QueueUrls"]) == urls
    assert "NextToken" not in answer


@pytest.mark.parametrize("max_results", [0, 1001, -1])
def test_max_results_is_between_1_and_1000(endpoint, max_results):
    reply = call(endpoint, "ListQueues", {"MaxResults": max_results})
    assert reply.status == 400
    assert reply.headers["x-amzn-query-error"] == "InvalidParameterValue;Sender"


def test_a_made_up_token_is_refused(endpoint):
    reply = call(endpoint, "ListQueues", {"MaxResults": 3, "NextToken": "made-up"})
    assert reply.status == 400
