package io.fulmar.tunnel.internal.ssh;

import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import org.jspecify.annotations.Nullable;

/**
 * The connected socket under an SSH connection. Reads ahead, bounds what comes before a server has
 * named itself (RFC 4253, section 4.2), and knows who reads it.
 */
final class TransportSocket extends Socket {
  private static final int MOST_BEFORE_NAME = 64 << 10;
  private static final int READ_AHEAD = 64 << 10;

  private final Socket socket;
  private final Named in;

  TransportSocket(Socket socket) throws IOException {
    super((SocketImpl) null);
    this.socket = socket;
    this.in = new Named(new BufferedInputStream(socket.getInputStream(), READ_AHEAD));
  }

  /** Whether the server has said that it speaks SSH. */
  boolean named() {
    return in.named;
  }

  /** Whether anything came at all. */
  boolean answered() {
    return in.read > 0;
  }

  /** Waits for whoever reads to end, after a close. */
  void awaitReader(long millis) throws InterruptedException {
    Thread reader = in.reader;
    if (reader != null && reader != Thread.currentThread()) {
      reader.join(millis);
    }
  }

  @Override
  public InputStream getInputStream() {
    return in;
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    return socket.getOutputStream();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  @Override
  public boolean isConnected() {
    return socket.isConnected();
  }

  @Override
  public boolean isClosed() {
    return socket.isClosed();
  }

  @Override
  public int getPort() {
    return socket.getPort();
  }

  @Override
  public int getLocalPort() {
    return socket.getLocalPort();
  }

  @Override
  public @Nullable InetAddress getInetAddress() {
    return socket.getInetAddress();
  }

  @Override
  public @Nullable InetAddress getLocalAddress() {
    return socket.getLocalAddress();
  }

  @Override
  public @Nullable SocketAddress getRemoteSocketAddress() {
    return socket.getRemoteSocketAddress();
  }

  @Override
  public void setSoTimeout(int timeout) throws SocketException {
    socket.setSoTimeout(timeout);
  }

  @Override
  public int getSoTimeout() throws SocketException {
    return socket.getSoTimeout();
  }

  @Override
  public String toString() {
    return socket.toString();
  }

  /** Looks for the line that begins with {@code SSH-}. */
  private static final class Named extends FilterInputStream {
    private static final String BEGINNING = "SSH-";
    private volatile boolean named;
    private volatile boolean over;
    private volatile int read;
    private volatile @Nullable Thread reader;
    private int matched;
    private boolean atLineStart = true;

    Named(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      int value = super.read();
      if (!over && value >= 0) {
        look(value);
      }
      return value;
    }

    private void look(int value) throws IOException {
      read++;
      if (read > MOST_BEFORE_NAME) {
        throw new IOException("no name within the first 64 kB");
      }
      if (value == '\n') {
        over = named;
        atLineStart = true;
        matched = 0;
      } else if (!named && atLineStart && value == BEGINNING.charAt(matched)) {
        matched++;
        named = matched == BEGINNING.length();
      } else {
        atLineStart = false;
      }
    }

    @Override
    public int read(byte[] bytes, int from, int length) throws IOException {
      if (!over) {
        int value = read();
        if (value < 0) {
          return -1;
        }
        bytes[from] = (byte) value;
        return 1;
      }
      if (reader == null) {
        reader = Thread.currentThread();
      }
      return super.read(bytes, from, length);
    }
  }
}
