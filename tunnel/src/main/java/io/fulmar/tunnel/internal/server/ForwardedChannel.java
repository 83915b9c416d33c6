package io.fulmar.tunnel.internal.server;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.sshd.client.channel.AbstractClientChannel;
import org.apache.sshd.client.future.DefaultOpenFuture;
import org.apache.sshd.client.future.OpenFuture;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.util.buffer.Buffer;

/**
 * A connection to a forwarded port on its way to the client that has asked for the port (RFC 4254,
 * section 7.2).
 */
final class ForwardedChannel extends AbstractClientChannel {
  private static final long LONGEST_OPEN_SECONDS = 60;

  private final Socket socket;
  private final InetSocketAddress asked;
  private final Pipe pipe;

  /**
   * Prepares the channel.
   *
   * @param socket the connection to the port
   * @param asked what the client has asked to be listened on, in its words
   */
  ForwardedChannel(Socket socket, InetSocketAddress asked, Client client) {
    super("forwarded-tcpip");
    this.socket = socket;
    this.asked = asked;
    this.pipe = new Pipe(this, client);
  }

  @Override
  public synchronized OpenFuture open() throws IOException {
    InetSocketAddress from = (InetSocketAddress) socket.getRemoteSocketAddress();
    openFuture = new DefaultOpenFuture(from, futureLock);
    Buffer buffer = getSession().createBuffer(SshConstants.SSH_MSG_CHANNEL_OPEN);
    buffer.putString(getChannelType());
    buffer.putUInt(getChannelId());
    buffer.putUInt(getLocalWindow().getSize());
    buffer.putUInt(getLocalWindow().getPacketSize());
    buffer.putString(asked.getHostString());
    buffer.putUInt(asked.getPort());
    buffer.putString(from.getAddress().getHostAddress());
    buffer.putUInt(from.getPort());
    writePacket(buffer);
    return openFuture;
  }

  /** Opens the channel; false if the client cannot reach what is behind it, or is gone. */
  boolean isOpened() throws IOException, InterruptedException {
    CountDownLatch decided = new CountDownLatch(1);
    // Nobody answers once the SSH connection is gone.
    addCloseFutureListener(closed -> decided.countDown());
    OpenFuture opening = open();
    opening.addListener(answered -> decided.countDown());
    return decided.await(LONGEST_OPEN_SECONDS, TimeUnit.SECONDS) && opening.isOpened();
  }

  @Override
  protected void doOpen() {}

  @Override
  protected void doWriteData(byte[] data, int offset, long length) {
    pipe.received(data, offset, length);
  }

  @Override
  protected void doWriteExtendedData(byte[] data, int offset, long length) throws IOException {
    throw new IOException("a forwarded connection has no second stream");
  }

  @Override
  public void handleEof() throws IOException {
    super.handleEof();
    pipe.finished();
  }

  @Override
  public void handleClose() throws IOException {
    pipe.gone();
    super.handleClose();
  }

  /** Passes on what the connection sends, until it ends. */
  void pumpToClient() {
    pipe.pumpToClient(socket);
  }

  /** Passes on what the client sends, until it ends. */
  void pumpFromClient() {
    pipe.pumpFromClient(socket);
  }
}
