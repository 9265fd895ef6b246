"""The official Python client against a server of its protocol: python conformance.py URL"""

import sys
import unittest
from uuid import UUID, uuid4

from kurrentdbclient import CaughtUp, Checkpoint, KurrentDBClient, NewEvent, StreamState
from kurrentdbclient.exceptions import (
    NotFoundError,
    StreamIsDeletedError,
    WrongCurrentVersionError,
)

URL = ""
# No answer takes this long unless it never comes, in seconds.
PATIENCE = 30


def events(count):
    return [
        NewEvent(type="happened", data=b'{"number":%d}' % number, metadata=b'{"about":1}', id=uuid4())
        for number in range(count)
    ]


def ids(recorded):
    return [event.id for event in recorded]


class Conformance(unittest.TestCase):
    def setUp(self):
        self.client = KurrentDBClient(uri=URL)
        self.addCleanup(self.client.close)
        self.stream = f"python{uuid4().hex}-1"

    def append(self, expected, new, stream=None):
        return self.client.append_to_stream(
            stream or self.stream, current_version=expected, events=new, timeout=PATIENCE
        )

    def test_every_expected_version_is_kept(self):
        with self.assertRaises((NotFoundError, WrongCurrentVersionError)):
            self.append(StreamState.EXISTS, events(1))
        with self.assertRaises((NotFoundError, WrongCurrentVersionError)):
            self.append(0, events(1))
        first = events(2)
        position = self.append(StreamState.NO_STREAM, first)
        for wrong in (StreamState.NO_STREAM, 0, 2, 40):
            with self.assertRaises(WrongCurrentVersionError):
                self.append(wrong, events(1))
        more = [events(1) for _ in range(3)]
        for expected, new in zip((1, StreamState.EXISTS, StreamState.ANY), more):
            later = self.append(expected, new)
            self.assertGreater(later, position)
            position = later
        recorded = self.client.get_stream(self.stream)
        self.assertEqual(ids(recorded), ids(first + sum(more, [])))
        self.assertEqual([event.stream_position for event in recorded], list(range(5)))
        self.assertEqual(recorded[0].data, first[0].data)
        self.assertEqual(recorded[0].metadata, first[0].metadata)
        self.assertEqual(recorded[0].type, "happened")
        self.assertIsNotNone(recorded[0].recorded_at)

    def test_sending_again_changes_nothing(self):
        first, second, third = events(2), events(1), events(2)
        positions = [
            self.append(StreamState.NO_STREAM, first),
            self.append(1, second),
            self.append(StreamState.ANY, third),
        ]
        again = [
            self.append(StreamState.NO_STREAM, first),
            self.append(1, second),
            self.append(StreamState.ANY, third),
        ]
        self.assertEqual(positions, again)
        self.assertEqual(len(self.client.get_stream(self.stream)), 5)

    def test_a_stream_is_read_both_ways_from_every_start(self):
        new = events(10)
        self.append(StreamState.ANY, new)
        sent = ids(new)
        for arguments, expected in (
            ({}, sent),
            ({"stream_position": 4}, sent[4:]),
            ({"stream_position": 4, "limit": 3}, sent[4:7]),
            ({"stream_position": 10}, []),
            ({"backwards": True}, sent[::-1]),
            ({"backwards": True, "stream_position": 4}, sent[4::-1]),
            ({"backwards": True, "limit": 2}, sent[:-3:-1]),
        ):
            self.assertEqual(ids(self.client.get_stream(self.stream, **arguments)), expected, arguments)
        with self.assertRaises(NotFoundError):
            self.client.get_stream(self.stream + "-missing")

    def test_everything_is_read_both_ways_from_every_start(self):
        before = self.client.get_commit_position()
        new = events(9)
        positions = [self.append(StreamState.ANY, [event]) for event in new]
        sent = ids(new)
        mine = {"filter_include": (self.stream,), "filter_by_stream_name": True}
        for arguments, expected in (
            ({"commit_position": positions[0]}, sent),
            ({"commit_position": positions[4]}, sent[4:]),
            ({"commit_position": positions[4], "limit": 2}, sent[4:6]),
            ({"backwards": True, "limit": 9}, sent[::-1]),
            # Going backwards the event at the position is not included.
            ({"backwards": True, "commit_position": positions[4], "limit": 4}, sent[3::-1]),
        ):
            found = ids(self.client.read_all(**arguments, **mine))
            self.assertEqual(found, expected, arguments)
        self.assertGreaterEqual(self.client.get_commit_position(), positions[-1])
        self.assertLess(before, positions[0])

    def test_a_stream_is_followed_from_before_through_caught_up_to_live(self):
        old, new = events(300), events(2)
        self.append(StreamState.ANY, old)
        found, caught_up = [], 0
        with self.client.subscribe_to_stream(
            self.stream, stream_position=9, include_caught_up=True, timeout=PATIENCE
        ) as subscription:
            for item in subscription:
                if isinstance(item, CaughtUp):
                    caught_up += 1
                    if caught_up == 1:
                        self.append(StreamState.ANY, new)
                else:
                    found.append(item.id)
                if len(found) == 292:
                    break
        self.assertEqual(found, ids(old[10:] + new))
        self.assertGreaterEqual(caught_up, 1)

    def test_everything_is_followed_with_filters_checkpoints_and_resuming(self):
        before = self.client.get_commit_position()
        rare, often = self.stream + "rare", self.stream + "often"
        wanted = []
        for number in range(200):
            new = events(1)
            if number % 10 == 0:
                wanted += ids(new)
            self.append(StreamState.ANY, new, rare if number % 10 == 0 else often)
        found, checkpoints, cut = [], [], None
        # The client's own default filter is an expression with look-ahead.
        with self.client.subscribe_to_all(commit_position=before, timeout=PATIENCE) as everything:
            for event in everything:
                found.append(event.stream_name)
                if len(found) == 200:
                    break
        self.assertEqual(found.count(rare), 20)
        found = []
        arguments = {"filter_include": (rare,), "filter_by_stream_name": True, "timeout": PATIENCE}
        with self.client.subscribe_to_all(
            commit_position=before,
            include_checkpoints=True,
            window_size=4,
            checkpoint_interval_multiplier=2,
            **arguments,
        ) as subscription:
            for item in subscription:
                if isinstance(item, Checkpoint):
                    checkpoints.append(item.commit_position)
                else:
                    found.append(item.id)
                    cut = item.commit_position
                if len(found) == 10 and len(checkpoints) > 5:
                    break
        self.assertEqual(checkpoints, sorted(set(checkpoints)))
        with self.client.subscribe_to_all(commit_position=cut, **arguments) as resumed:
            for event in resumed:
                found.append(event.id)
                if len(found) == 20:
                    break
        self.assertEqual(found, wanted)

    def test_a_deleted_stream_is_gone_until_it_goes_on_where_it_ended(self):
        with self.assertRaises(NotFoundError):
            self.client.delete_stream(self.stream, current_version=3)
        self.append(StreamState.ANY, events(3))
        with self.assertRaises(WrongCurrentVersionError):
            self.client.delete_stream(self.stream, current_version=7)
        self.client.delete_stream(self.stream, current_version=2)
        with self.assertRaises(NotFoundError):
            self.client.get_stream(self.stream)
        new = events(2)
        self.append(StreamState.NO_STREAM, new)
        recorded = self.client.get_stream(self.stream)
        self.assertEqual(ids(recorded), ids(new))
        self.assertEqual([event.stream_position for event in recorded], [3, 4])

    def test_a_tombstone_ends_a_stream_for_ever(self):
        self.append(StreamState.ANY, events(1))
        self.client.tombstone_stream(self.stream, current_version=0)
        with self.assertRaises(StreamIsDeletedError):
            self.client.get_stream(self.stream)
        with self.assertRaises(StreamIsDeletedError):
            self.append(StreamState.ANY, events(1))
        with self.assertRaises(StreamIsDeletedError):
            self.client.tombstone_stream(self.stream, current_version=StreamState.ANY)

    def test_metadata_hides_what_it_says(self):
        new = events(10)
        self.append(StreamState.ANY, new)
        metadata, version = self.client.get_stream_metadata(self.stream)
        self.assertEqual((metadata, version), ({}, StreamState.NO_STREAM))
        self.client.set_stream_metadata(
            self.stream, metadata={"$maxCount": 3, "owner": "ada"}, current_version=version
        )
        metadata, version = self.client.get_stream_metadata(self.stream)
        self.assertEqual((metadata, version), ({"$maxCount": 3, "owner": "ada"}, 0))
        self.assertEqual(ids(self.client.get_stream(self.stream)), ids(new[7:]))
        self.client.set_stream_metadata(self.stream, metadata={"$tb": 9}, current_version=version)
        self.assertEqual(ids(self.client.get_stream(self.stream)), ids(new[9:]))

    def test_categories_are_streams_of_links(self):
        new = events(3)
        self.append(StreamState.ANY, new)
        category = "$ce-" + self.stream.split("-")[0]
        recorded = self.client.get_stream(category, resolve_links=True)
        self.assertEqual(ids(recorded), ids(new))
        self.assertEqual(recorded[0].link.stream_name, category)
        self.assertIsInstance(recorded[0].link.id, UUID)


if __name__ == "__main__":
    URL = sys.argv.pop()
    unittest.main()
