// The official Node client against a server of its protocol: node --test conformance.mjs, with EVENTSTORE_URL set.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import kurrentdb from "@kurrent/kurrentdb-client";

const {
  ANY, BACKWARDS, END, FORWARDS, KurrentDBClient, NO_STREAM, START, STREAM_EXISTS,
  StreamDeletedError, StreamNotFoundError, WrongExpectedVersionError, binaryEvent, excludeSystemEvents, jsonEvent,
  streamNameFilter,
} = kurrentdb;

// No answer takes this long unless it never comes.
const options = { timeout: 30_000 };
let client;

before(() => {
  client = KurrentDBClient.connectionString(process.env.EVENTSTORE_URL);
});
after(() => client.dispose());

const freshStream = () => `node${randomUUID().replaceAll("-", "")}-1`;
const events = (count) =>
  Array.from({ length: count }, (_, number) =>
    jsonEvent({ id: randomUUID(), type: "happened", data: { number }, metadata: { about: 1 } }));
const ids = (sent) => sent.map((event) => event.id);
const append = (stream, streamState, sent) => client.appendToStream(stream, sent, { streamState });

async function collect(reading) {
  const found = [];
  for await (const { event } of reading) found.push(event.id);
  return found;
}

test("every expected revision is kept", options, async () => {
  const stream = freshStream();
  await assert.rejects(append(stream, STREAM_EXISTS, events(1)), WrongExpectedVersionError);
  await assert.rejects(append(stream, 0n, events(1)), WrongExpectedVersionError);
  const first = await append(stream, NO_STREAM, events(2));
  assert.equal(first.nextExpectedRevision, 1n);
  for (const wrong of [NO_STREAM, 0n, 2n, 40n]) {
    await assert.rejects(append(stream, wrong, events(1)), WrongExpectedVersionError);
  }
  let next = 2n;
  for (const right of [1n, STREAM_EXISTS, ANY]) {
    const written = await append(stream, right, events(1));
    assert.equal(written.nextExpectedRevision, next);
    next += 1n;
  }
});

test("sending again changes nothing", options, async () => {
  const stream = freshStream();
  const sent = [[NO_STREAM, events(2)], [1n, events(1)], [ANY, events(2)]];
  const answers = [];
  for (const [state, some] of sent) answers.push((await append(stream, state, some)).nextExpectedRevision);
  const again = [];
  for (const [state, some] of sent) again.push((await append(stream, state, some)).nextExpectedRevision);
  assert.deepEqual(again, answers);
  assert.equal((await collect(client.readStream(stream))).length, 5);
});

test("an event comes back as it was sent", options, async () => {
  const stream = freshStream();
  const raw = binaryEvent({ id: randomUUID(), type: "raw", data: new Uint8Array([0, 255]) });
  await append(stream, ANY, [raw, ...events(1)]);
  const found = [];
  for await (const { event } of client.readStream(stream)) found.push(event);
  assert.deepEqual([...found[0].data], [0, 255]);
  assert.equal(found[0].isJson, false);
  assert.deepEqual(found[1].data, { number: 0 });
  assert.deepEqual(found[1].metadata, { about: 1 });
  assert.equal(found[1].revision, 1n);
});

test("a stream is read both ways from every start", options, async () => {
  const stream = freshStream();
  const sent = events(10);
  await append(stream, ANY, sent);
  const all = ids(sent);
  for (const [how, expected] of [
    [{ fromRevision: START }, all],
    [{ fromRevision: 4n }, all.slice(4)],
    [{ fromRevision: 4n, maxCount: 3 }, all.slice(4, 7)],
    [{ fromRevision: END, direction: BACKWARDS }, all.slice().reverse()],
    [{ fromRevision: 4n, direction: BACKWARDS }, all.slice(0, 5).slice().reverse()],
    [{ fromRevision: END, direction: BACKWARDS, maxCount: 2 }, all.slice(8).slice().reverse()],
  ]) {
    assert.deepEqual(await collect(client.readStream(stream, { direction: FORWARDS, ...how })), expected);
  }
  await assert.rejects(collect(client.readStream(freshStream())), StreamNotFoundError);
});

test("everything is read both ways", options, async () => {
  const stream = freshStream();
  const sent = events(5);
  const { position } = await append(stream, ANY, sent);
  const forwards = await collect(client.readAll({ fromPosition: START }));
  assert.ok(ids(sent).every((id) => forwards.includes(id)));
  assert.deepEqual(await collect(client.readAll({ fromPosition: position })).then((found) => found[0]), sent[4].id);
  const backwards = client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1000 });
  const mine = (await collect(backwards)).filter((id) => ids(sent).includes(id));
  assert.deepEqual(mine, ids(sent).slice().reverse());
});

test("a stream is followed from before through caught up to live", options, async () => {
  const stream = freshStream();
  const old = events(300);
  const fresh = events(2);
  await append(stream, ANY, old);
  const subscription = client.subscribeToStream(stream, { fromRevision: 9n });
  let caughtUp = 0;
  subscription.on("caughtUp", () => {
    caughtUp += 1;
    if (caughtUp === 1) append(stream, ANY, fresh);
  });
  const found = [];
  for await (const { event } of subscription) {
    found.push(event.id);
    if (found.length === 292) break;
  }
  assert.deepEqual(found, [...ids(old).slice(10), ...ids(fresh)]);
  assert.ok(caughtUp >= 1);
});

test("everything is followed with filters and resuming", options, async () => {
  const stream = freshStream();
  const sent = events(20);
  const noise = freshStream();
  for (const event of sent) {
    await append(noise, ANY, events(5));
    await append(stream, ANY, [event]);
  }
  for (const filter of [streamNameFilter({ prefixes: [stream] }), streamNameFilter({ regex: `^${stream}$` })]) {
    const found = [];
    let cut;
    for await (const { event } of client.subscribeToAll({ fromPosition: START, filter })) {
      found.push(event.id);
      cut = event.position;
      if (found.length === 10) break;
    }
    for await (const { event } of client.subscribeToAll({ fromPosition: cut, filter })) {
      found.push(event.id);
      if (found.length === 20) break;
    }
    assert.deepEqual(found, ids(sent));
  }
  for await (const { event } of client.subscribeToAll({ fromPosition: START, filter: excludeSystemEvents() })) {
    assert.ok(!event.type.startsWith("$"));
    break;
  }
});

test("a deleted stream is gone until it goes on where it ended", options, async () => {
  const stream = freshStream();
  await append(stream, ANY, events(3));
  await assert.rejects(client.deleteStream(stream, { expectedRevision: 7n }));
  await client.deleteStream(stream, { expectedRevision: 2n });
  await assert.rejects(collect(client.readStream(stream)), StreamNotFoundError);
  const fresh = events(2);
  assert.equal((await append(stream, NO_STREAM, fresh)).nextExpectedRevision, 4n);
  assert.deepEqual(await collect(client.readStream(stream)), ids(fresh));
});

test("a tombstone ends a stream for ever", options, async () => {
  const stream = freshStream();
  await append(stream, ANY, events(1));
  await client.tombstoneStream(stream);
  await assert.rejects(collect(client.readStream(stream)), StreamDeletedError);
  await assert.rejects(append(stream, ANY, events(1)));
});

test("metadata hides what it says", options, async () => {
  const stream = freshStream();
  const sent = events(10);
  await append(stream, ANY, sent);
  await client.setStreamMetadata(stream, { maxCount: 3, owner: "ada" });
  const { metadata } = await client.getStreamMetadata(stream);
  assert.equal(metadata.maxCount, 3);
  assert.equal(metadata.owner, "ada");
  assert.deepEqual(await collect(client.readStream(stream)), ids(sent).slice(7));
});

test("categories are streams of links", options, async () => {
  const stream = freshStream();
  const sent = events(3);
  await append(stream, ANY, sent);
  const category = `$ce-${stream.split("-")[0]}`;
  const found = [];
  for await (const { event, link } of client.readStream(category, { resolveLinkTos: true })) {
    assert.equal(link.streamId, category);
    found.push(event.id);
  }
  assert.deepEqual(found, ids(sent));
});
