package io.fulmar.tunnel.internal.server;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.apache.sshd.client.future.DefaultOpenFuture;
import org.apache.sshd.client.future.OpenFuture;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.channel.exception.SshChannelOpenException;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.server.channel.AbstractServerChannel;
import org.jspecify.annotations.Nullable;

/**
 * A way for a client to the port that it has open itself, to see whether all of it works (RFC 4254,
 * section 7.2, "direct-tcpip"). It leads nowhere else.
 */
final class ProbeChannel extends AbstractServerChannel {
  private static final int CONNECT_MILLIS = 5_000;

  private final @Nullable Client client;
  private final Executor threads;
  private final @Nullable Pipe pipe;

  ProbeChannel(@Nullable Client client, Executor threads) {
    super(null);
    this.client = client;
    this.threads = threads;
    this.pipe = client == null ? null : new Pipe(this, client);
  }

  @Override
  protected OpenFuture doInit(Buffer buffer) {
    String host = buffer.getString();
    int port = buffer.getInt();
    OpenFuture opening = new DefaultOpenFuture(this, this);
    Client from = client;
    Pipe through = pipe;
    if (from == null
        || through == null
        || !Tunnel.isLoopback(host)
        || port != from.tunnel().key().port()
        || !from.tunnel().isHeldBy(from)) {
      refuse(
          opening,
          SshConstants.SSH_OPEN_ADMINISTRATIVELY_PROHIBITED,
          "a key reaches its own open port alone");
      return opening;
    }
    try {
      threads.execute(() -> connect(opening, port, through));
    } catch (RejectedExecutionException e) {
      refuse(opening, SshConstants.SSH_OPEN_CONNECT_FAILED, "the server is closing");
    }
    return opening;
  }

  private void connect(OpenFuture opening, int port, Pipe through) {
    Socket socket = new Socket();
    try {
      socket.setTcpNoDelay(true);
      // Where the port is opened, whatever the machine takes localhost for.
      socket.connect(new InetSocketAddress(Tunnel.loopback(), port), CONNECT_MILLIS);
      signalChannelOpenSuccess();
      opening.setOpened();
      threads.execute(() -> through.pumpFromClient(socket));
      through.pumpToClient(socket);
    } catch (IOException | RuntimeException e) {
      Pipe.reset(socket);
      refuse(opening, SshConstants.SSH_OPEN_CONNECT_FAILED, "the port does not answer");
    }
  }

  private void refuse(OpenFuture opening, int reason, String why) {
    try {
      opening.setException(new SshChannelOpenException(getChannelId(), reason, why));
    } finally {
      close(true);
    }
  }

  @Override
  protected void doWriteData(byte[] data, int offset, long length) {
    if (pipe != null) {
      pipe.received(data, offset, length);
    }
  }

  @Override
  protected void doWriteExtendedData(byte[] data, int offset, long length) throws IOException {
    throw new IOException("a probe has no second stream");
  }

  @Override
  public void handleEof() throws IOException {
    super.handleEof();
    if (pipe != null) {
      pipe.finished();
    }
  }

  @Override
  public void handleClose() throws IOException {
    if (pipe != null) {
      pipe.gone();
    }
    super.handleClose();
  }
}
