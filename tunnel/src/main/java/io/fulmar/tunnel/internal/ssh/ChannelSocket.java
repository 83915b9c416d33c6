package io.fulmar.tunnel.internal.ssh;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A socket whose other end is dialled by an SSH server: no port of this machine takes part. Options
 * of TCP are taken and change nothing, for they are the SSH connection's.
 */
public final class ChannelSocket extends Socket {
  private final Opener opener;
  private volatile @Nullable TunnelChannel channel;
  private volatile @Nullable InetSocketAddress remote;
  private volatile int readTimeout;
  private volatile boolean closed;
  private volatile boolean inputShut;
  private volatile boolean outputShut;
  private final Object connecting = new Object();
  private @Nullable Thread connector;

  /** Gets a channel to a place. */
  public interface Opener {
    /**
     * Opens it.
     *
     * @param timeout bound on waiting; zero for the opener's own
     */
    TunnelChannel open(String host, int port, Duration timeout) throws IOException;
  }

  /** One that is not connected. */
  public ChannelSocket(Opener opener) throws SocketException {
    super((SocketImpl) null);
    this.opener = opener;
  }

  /** One over a channel that is open. */
  ChannelSocket(TunnelChannel channel, String host, int port) throws SocketException {
    this(
        (h, p, t) -> {
          throw new SocketException("already connected");
        });
    this.channel = channel;
    this.remote = InetSocketAddress.createUnresolved(host, port);
  }

  @Override
  public void connect(SocketAddress endpoint) throws IOException {
    connect(endpoint, 0);
  }

  @Override
  public void connect(SocketAddress endpoint, int timeout) throws IOException {
    if (!(endpoint instanceof InetSocketAddress address)) {
      throw new IllegalArgumentException("endpoint is no host and port");
    }
    if (timeout < 0) {
      throw new IllegalArgumentException("timeout is negative");
    }
    if (channel != null) {
      throw new SocketException("already connected");
    }
    remote = address;
    synchronized (connecting) {
      if (closed) {
        throw new SocketException("Socket is closed");
      }
      connector = Thread.currentThread();
    }
    TunnelChannel opened = null;
    try {
      // By name, if there is one: it is the other side that knows its network.
      opened = opener.open(address.getHostString(), address.getPort(), Duration.ofMillis(timeout));
    } finally {
      connected(opened);
    }
  }

  private void connected(@Nullable TunnelChannel opened) throws SocketException {
    synchronized (connecting) {
      connector = null;
      channel = opened;
      if (closed) {
        // By which it was woken.
        Thread.interrupted();
      }
    }
    if (closed) {
      if (opened != null) {
        opened.close();
      }
      throw new SocketException("Socket closed");
    }
  }

  private TunnelChannel open() throws SocketException {
    TunnelChannel open = channel;
    if (closed) {
      throw new SocketException("Socket is closed");
    }
    if (open == null) {
      throw new SocketException("Socket is not connected");
    }
    return open;
  }

  @Override
  public InputStream getInputStream() throws IOException {
    TunnelChannel from = open();
    return new SocketInput(from);
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    return new SocketOutput(open());
  }

  @Override
  public void shutdownInput() throws IOException {
    open();
    inputShut = true;
  }

  @Override
  public void shutdownOutput() throws IOException {
    TunnelChannel to = open();
    outputShut = true;
    to.shutdownOutput();
  }

  @Override
  public void close() {
    TunnelChannel open;
    synchronized (connecting) {
      closed = true;
      open = channel;
      if (connector != null) {
        connector.interrupt();
      }
    }
    if (open != null) {
      open.close();
    }
  }

  private final class SocketInput extends java.io.FilterInputStream {
    SocketInput(TunnelChannel from) {
      super(from.input(() -> readTimeout));
    }

    @Override
    public int read() throws IOException {
      return inputShut ? -1 : super.read();
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      return inputShut ? -1 : super.read(bytes, offset, length);
    }

    @Override
    public void close() {
      ChannelSocket.this.close();
    }
  }

  private final class SocketOutput extends OutputStream {
    private final OutputStream to;

    SocketOutput(TunnelChannel channel) {
      this.to = channel.getOutputStream();
    }

    @Override
    public void write(int value) throws IOException {
      to.write(value);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (outputShut) {
        throw new SocketException("Socket output is shutdown");
      }
      to.write(bytes, offset, length);
    }

    @Override
    public void close() {
      ChannelSocket.this.close();
    }
  }

  @Override
  public boolean isConnected() {
    return channel != null;
  }

  @Override
  public boolean isClosed() {
    return closed;
  }

  @Override
  public boolean isBound() {
    return channel != null;
  }

  @Override
  public boolean isInputShutdown() {
    return inputShut;
  }

  @Override
  public boolean isOutputShutdown() {
    return outputShut;
  }

  @Override
  public void bind(@Nullable SocketAddress local) {
    // There is no end of it on this machine.
  }

  @Override
  public @Nullable InetAddress getInetAddress() {
    InetSocketAddress address = remote;
    return channel == null || address == null ? null : address.getAddress();
  }

  @Override
  public InetAddress getLocalAddress() {
    return InetAddress.getLoopbackAddress();
  }

  @Override
  public int getPort() {
    InetSocketAddress address = remote;
    return channel == null || address == null ? 0 : address.getPort();
  }

  @Override
  public int getLocalPort() {
    return channel == null ? -1 : 0;
  }

  @Override
  public @Nullable SocketAddress getRemoteSocketAddress() {
    return channel == null ? null : remote;
  }

  @Override
  public @Nullable SocketAddress getLocalSocketAddress() {
    return null;
  }

  @Override
  public void setSoTimeout(int timeout) {
    if (timeout < 0) {
      throw new IllegalArgumentException("timeout is negative");
    }
    readTimeout = timeout;
  }

  @Override
  public int getSoTimeout() {
    return readTimeout;
  }

  @Override
  public void setTcpNoDelay(boolean on) {}

  @Override
  public boolean getTcpNoDelay() {
    return true;
  }

  @Override
  public void setSoLinger(boolean on, int linger) {}

  @Override
  public int getSoLinger() {
    return -1;
  }

  @Override
  public void setKeepAlive(boolean on) {}

  @Override
  public boolean getKeepAlive() {
    return false;
  }

  @Override
  public void setSendBufferSize(int size) {}

  @Override
  public int getSendBufferSize() {
    return TunnelChannel.PACKET;
  }

  @Override
  public void setReceiveBufferSize(int size) {}

  @Override
  public int getReceiveBufferSize() {
    TunnelChannel open = channel;
    return open == null ? TunnelChannel.PACKET : (int) open.getLocalWinSize();
  }

  @Override
  public void setTrafficClass(int trafficClass) {}

  @Override
  public int getTrafficClass() {
    return 0;
  }

  @Override
  public void setReuseAddress(boolean on) {}

  @Override
  public boolean getReuseAddress() {
    return false;
  }

  @Override
  public void setOOBInline(boolean on) {}

  @Override
  public boolean getOOBInline() {
    return false;
  }

  @Override
  public void sendUrgentData(int data) throws SocketException {
    throw new SocketException("Urgent data not supported");
  }

  @Override
  public void setPerformancePreferences(int connectionTime, int latency, int bandwidth) {}

  @Override
  public String toString() {
    return "ChannelSocket[" + remote + "]";
  }
}
