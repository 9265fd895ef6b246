//! Requests that no generated client would send.

use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::clients::Clients;

/// Sends any bytes as the request of a unary method, such as `/terrarium.energy.v1.EnergyService/ReportReadings`.
///
/// # Panics
/// When the connection is gone.
pub async fn send_bytes(
    clients: &Clients,
    method: &'static str,
    bytes: &'static [u8],
) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(clients.channel.clone());
    client.ready().await.expect("the connection is there");
    let path = method.parse().expect("a method's path");
    client
        .unary(tonic::Request::new(bytes), path, RawBytes)
        .await
        .map(|_| ())
}

/// Encodes nothing: the bytes are the message.
struct RawBytes;

impl Codec for RawBytes {
    type Encode = &'static [u8];
    type Decode = ();
    type Encoder = RawBytes;
    type Decoder = RawBytes;

    fn encoder(&mut self) -> RawBytes {
        RawBytes
    }

    fn decoder(&mut self) -> RawBytes {
        RawBytes
    }
}

impl Encoder for RawBytes {
    type Item = &'static [u8];
    type Error = Status;

    fn encode(&mut self, bytes: Self::Item, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(buffer, bytes);
        Ok(())
    }
}

impl Decoder for RawBytes {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        bytes::Buf::advance(buffer, bytes::Buf::remaining(buffer));
        Ok(Some(()))
    }
}
