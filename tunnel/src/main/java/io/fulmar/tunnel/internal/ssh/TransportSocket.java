package io.fulmar.tunnel.internal.ssh;

import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The connected socket under an SSH connection. Reads ahead, bounds what comes before a server has
 * named itself (RFC 4253, section 4.2), and knows who reads it.
 */
final class TransportSocket extends Socket {
  private static final int MOST_BEFORE_NAME = 64 << 10;

  /** Of the name itself (RFC 4253, section 4.2). */
  private static final int LONGEST_NAME = 255;

  /** Of what may come before it; what follows takes the square of it. */
  private static final int LONGEST_LINE = 4 << 10;

  private static final int READ_AHEAD = 64 << 10;
  private static final long STARTING_MILLIS = 500;

  private final Socket socket;
  private final Arriving arriving;
  private final Named in;
  private volatile boolean closedHere;

  TransportSocket(Socket socket) throws IOException {
    super((SocketImpl) null);
    this.socket = socket;
    this.arriving = new Arriving(socket.getInputStream());
    this.in = new Named(new BufferedInputStream(arriving, READ_AHEAD));
  }

  /** Whether the server has said that it speaks SSH. */
  boolean named() {
    return in.named;
  }

  /** Whether anything came at all. */
  boolean answered() {
    return in.read > 0;
  }

  /** Whether the server has said what algorithms it has. */
  boolean offered() {
    return in.offered;
  }

  /** Whether the other side, or the network, has ended it. */
  boolean ended() {
    return arriving.ended;
  }

  /** How many bytes came so far. */
  long received() {
    return arriving.count.get();
  }

  /** Ends whoever reads, and waits for it, after a close. */
  void awaitReader(long millis) throws InterruptedException {
    if (in.over) {
      // Who has just been started does not read at once.
      in.begun.await(Math.min(millis, STARTING_MILLIS), TimeUnit.MILLISECONDS);
    }
    Thread reader = in.reader;
    if (reader != null && reader != Thread.currentThread()) {
      // Where no key was sent, sshj waits as long for it as for one that comes.
      reader.interrupt();
      reader.join(millis);
    }
  }

  @Override
  public InputStream getInputStream() {
    return in;
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    return new Leaving(socket.getOutputStream());
  }

  @Override
  public void close() throws IOException {
    closedHere = true;
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

  /** What comes from the network, as it comes. */
  private final class Arriving extends FilterInputStream {
    private final AtomicLong count = new AtomicLong();
    private volatile boolean ended;

    Arriving(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int from, int length) throws IOException {
      int got;
      try {
        got = super.read(bytes, from, length);
      } catch (IOException e) {
        if (!closedHere) {
          ended = true;
        }
        throw e;
      }
      if (got < 0) {
        ended = true;
      } else {
        count.addAndGet(got);
      }
      return got;
    }
  }

  /** What goes to the network. */
  private final class Leaving extends FilterOutputStream {
    Leaving(OutputStream out) {
      super(out);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      try {
        out.write(bytes, from, length);
      } catch (IOException e) {
        if (!closedHere) {
          arriving.ended = true;
        }
        throw e;
      }
    }
  }

  /**
   * Looks for the line that begins with {@code SSH-}, and at the packet after it (RFC 4253,
   * sections 6 and 7.1), which nothing encrypts.
   */
  private static final class Named extends FilterInputStream {
    private static final String BEGINNING = "SSH-";
    private static final int TYPE_AT = 5;
    private static final byte KEXINIT = 20;
    private volatile boolean named;
    private volatile boolean over;
    private volatile boolean offered;
    private volatile int read;
    private int line;
    private int packetAt;
    private final CountDownLatch begun = new CountDownLatch(1);
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
      line++;
      if (named && line > LONGEST_NAME) {
        throw new IOException("its name is longer than 255 bytes");
      }
      if (read > MOST_BEFORE_NAME || line > LONGEST_LINE) {
        throw new IOException("no name within the first 64 kB, or a line longer than 4 kB");
      }
      if (value == '\n') {
        over = named;
        atLineStart = true;
        matched = 0;
        line = 0;
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
        begun.countDown();
      }
      int got = super.read(bytes, from, length);
      if (packetAt <= TYPE_AT && got > 0) {
        int type = TYPE_AT - packetAt;
        offered = type < got && bytes[from + type] == KEXINIT;
        packetAt += got;
      }
      return got;
    }
  }
}
