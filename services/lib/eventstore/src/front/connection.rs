use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// A TCP connection that neither holds back small answers nor the acknowledgements of what it reads.
///
/// The released Rust clients leave Nagle's algorithm on and send a request in two segments: the second waits for the
/// acknowledgement of the first, which Linux delays by 40 ms. `TCP_QUICKACK` sends it at once; it does not last, so it is set
/// again after each read.
pub(super) struct PromptConnection(TcpStream);

impl PromptConnection {
    pub fn new(stream: TcpStream) -> PromptConnection {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "can't set TCP_NODELAY");
        }
        let connection = PromptConnection(stream);
        connection.acknowledge_at_once();
        connection
    }

    fn acknowledge_at_once(&self) {
        // Without it the connection is slower and works all the same.
        let _ = rustix::net::sockopt::set_tcp_quickack(&self.0, true);
    }
}

impl Connected for PromptConnection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.0.connect_info()
    }
}

impl AsyncRead for PromptConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled_before = buffer.filled().len();
        let read = Pin::new(&mut self.0).poll_read(context, buffer);
        if buffer.filled().len() > filled_before {
            self.acknowledge_at_once();
        }
        read
    }
}

impl AsyncWrite for PromptConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
