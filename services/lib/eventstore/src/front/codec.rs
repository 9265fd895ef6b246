//! Messages of the Streams service on their way between HTTP/2 and the calls.

use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes};
use prost::{DecodeError, Message};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::append_chunk::AppendChunk;
use super::read_answer::ReadAnswer;

/// Answers that are ready go out together once they have this many bytes.
const SENT_TOGETHER_BYTES: usize = 64 * 1024;
const BUFFER_BYTES: usize = 8 * 1024;

fn buffers() -> BufferSettings {
    BufferSettings::new(BUFFER_BYTES, SENT_TOGETHER_BYTES)
}

/// The usual protobuf codec, which leaves [`ReadAnswer`] and [`AppendChunk`] to themselves.
pub(in crate::front) struct FrontCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for FrontCodec<T, U> {
    fn default() -> Self {
        FrontCodec(PhantomData)
    }
}

/// A message that is sent.
pub(in crate::front) trait Sent: Send + 'static {
    fn put_into(&self, buffer: &mut EncodeBuf<'_>);
}

/// A message that is received.
pub(in crate::front) trait Received: Sized + Send + 'static {
    fn take_from(bytes: &mut DecodeBuf<'_>) -> Result<Self, DecodeError>;
}

impl<M: Message + 'static> Sent for M {
    fn put_into(&self, buffer: &mut EncodeBuf<'_>) {
        self.encode(buffer).expect("the buffer grows");
    }
}

impl Sent for ReadAnswer {
    fn put_into(&self, buffer: &mut EncodeBuf<'_>) {
        buffer.put_slice(self.encoded());
    }
}

impl<M: Message + Default + 'static> Received for M {
    fn take_from(bytes: &mut DecodeBuf<'_>) -> Result<M, DecodeError> {
        M::decode(bytes)
    }
}

impl Received for AppendChunk {
    fn take_from(bytes: &mut DecodeBuf<'_>) -> Result<AppendChunk, DecodeError> {
        let whole: Bytes = bytes.copy_to_bytes(bytes.remaining());
        AppendChunk::decode(&whole)
    }
}

impl<T: Sent, U: Received> Codec for FrontCodec<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = FrontCodec<T, ()>;
    type Decoder = FrontCodec<(), U>;

    fn encoder(&mut self) -> Self::Encoder {
        FrontCodec(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        FrontCodec(PhantomData)
    }
}

impl<T: Sent> Encoder for FrontCodec<T, ()> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, message: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.put_into(buffer);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

impl<U: Received> Decoder for FrontCodec<(), U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // As tonic's own codec has it.
        let received = U::take_from(bytes).map_err(|error| Status::internal(error.to_string()))?;
        Ok(Some(received))
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}
