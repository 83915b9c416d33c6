package io.fulmar.tunnel.internal.ssh;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;
import net.schmizz.sshj.common.Buffer;
import net.schmizz.sshj.common.DisconnectReason;
import net.schmizz.sshj.common.LoggerFactory;
import net.schmizz.sshj.common.Message;
import net.schmizz.sshj.common.SSHException;
import net.schmizz.sshj.common.SSHPacket;
import net.schmizz.sshj.connection.Connection;
import net.schmizz.sshj.connection.ConnectionException;
import net.schmizz.sshj.connection.channel.Channel;
import net.schmizz.sshj.connection.channel.OpenFailException.Reason;
import net.schmizz.sshj.transport.TransportException;
import org.jspecify.annotations.Nullable;

/**
 * One stream of bytes both ways in an SSH connection (RFC 4254, sections 5 and 7). This class is
 * threadsafe; at most one thread reads and one writes at a time.
 *
 * <p>It takes the place of sshj's own channels, in which a writer that waits for the other side
 * holds a lock that the reader of the whole connection wants too, reads cannot time out, and the
 * window is opened again only when it is nearly used up.
 */
public final class TunnelChannel implements Channel {
  /** RFC 4253 asks for 32,768 at least; more is of no use. */
  static final int PACKET = 32 << 10;

  private final Connection connection;
  private final String type;
  private final String target;
  private final Traffic traffic;
  private final int id;
  private final int window;
  private final InputStream in = new In();
  private final OutputStream out = new Out();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ReceivedBytes received;
  private int recipient;
  private long remoteWindow;
  private int remotePacket;
  private int consumed;
  private boolean opened;
  private boolean abandoned;
  private boolean eof;
  private boolean closed;
  private boolean ended;
  private boolean counted;
  private @Nullable IOException error;

  /** Guards what goes out, so that nothing follows an end. */
  private final ReentrantLock sending = new ReentrantLock();

  private boolean eofSent;
  private boolean closeSent;

  private TunnelChannel(
      Connection connection, String type, String target, Traffic traffic, int window) {
    this.connection = connection;
    this.type = type;
    this.target = target;
    this.traffic = traffic;
    this.window = window;
    this.received = new ReceivedBytes(window);
    this.id = connection.nextID();
  }

  /**
   * Opens a channel to what the SSH server reaches under a name; waits until it has answered.
   *
   * @throws IOException with the {@link TunnelException} as its cause
   */
  static TunnelChannel open(
      Connection connection,
      String host,
      int port,
      Duration timeout,
      int window,
      Traffic traffic,
      String server)
      throws IOException {
    String target = host + ":" + port;
    TunnelChannel channel = new TunnelChannel(connection, "direct-tcpip", target, traffic, window);
    connection.attach(channel);
    SSHPacket request =
        new SSHPacket(Message.CHANNEL_OPEN)
            .putString(channel.type)
            .putUInt32(channel.id)
            .putUInt32(window)
            .putUInt32(PACKET)
            .putString(host)
            .putUInt32(port)
            // Who asks: no socket stands behind it.
            .putString("127.0.0.1")
            .putUInt32(0);
    channel.transmit(request);
    channel.awaitOpen(timeout, server);
    return channel;
  }

  /** A channel that the other side asked for; nothing comes before {@link #accept}. */
  static TunnelChannel asked(
      Connection connection,
      int recipient,
      long remoteWindow,
      long remotePacket,
      Traffic traffic,
      int window,
      String target) {
    TunnelChannel channel =
        new TunnelChannel(connection, "forwarded-tcpip", target, traffic, window);
    channel.established(recipient, remoteWindow, remotePacket);
    return channel;
  }

  /** Says yes to the other side. */
  public void accept() throws IOException {
    connection.attach(this);
    transmit(
        packet(Message.CHANNEL_OPEN_CONFIRMATION)
            .putUInt32(id)
            .putUInt32(window)
            .putUInt32(PACKET));
    count();
  }

  /** Says no to the other side. */
  public void reject(Reason reason, String why) throws IOException {
    // That of sshj has no language tag (RFC 4254, section 5.1), and servers end the connection for
    // it.
    transmit(
        packet(Message.CHANNEL_OPEN_FAILURE)
            .putUInt32(reason.getCode())
            .putString(why)
            .putString(""));
  }

  private void established(int itsId, long itsWindow, long itsPacket) {
    recipient = itsId;
    remoteWindow = itsWindow;
    remotePacket = (int) Math.max(1, Math.min(itsPacket, PACKET));
    opened = true;
  }

  private void count() {
    lock.lock();
    try {
      counted = true;
      traffic.opened();
    } finally {
      lock.unlock();
    }
  }

  /** No longer open, whichever side said so first. */
  private void uncount() {
    lock.lock();
    try {
      if (counted) {
        counted = false;
        traffic.closed();
      }
    } finally {
      lock.unlock();
    }
  }

  private void awaitOpen(Duration timeout, String server) throws IOException {
    lock.lock();
    try {
      long left = timeout.toNanos();
      while (!opened && error == null) {
        if (left <= 0) {
          abandoned = true;
          throw TunnelFailures.io(
              Kind.TARGET_UNREACHABLE,
              "connect to " + target,
              "%s did not reach %s within %s ms".formatted(server, target, timeout.toMillis()),
              "Look from that server whether the database can be reached: firewall, routes, name.");
        }
        left = changed.awaitNanos(left);
      }
      if (error != null) {
        throw error;
      }
      count();
    } catch (InterruptedException e) {
      abandoned = true;
      Thread.currentThread().interrupt();
      throw new SocketException("interrupted while connecting to " + target);
    } finally {
      lock.unlock();
    }
  }

  // What the reader of the connection brings.

  @Override
  public void handle(Message message, SSHPacket packet) throws SSHException {
    try {
      switch (message) {
        case CHANNEL_OPEN_CONFIRMATION -> confirmed(packet);
        case CHANNEL_OPEN_FAILURE -> refused(packet);
        case CHANNEL_WINDOW_ADJUST -> widened(packet.readUInt32());
        case CHANNEL_DATA -> arrived(packet);
        case CHANNEL_EXTENDED_DATA -> {
          packet.readUInt32();
          arrived(packet);
        }
        case CHANNEL_EOF -> signal(() -> eof = true);
        case CHANNEL_CLOSE -> closedByOther();
        case CHANNEL_REQUEST -> asked(packet);
        default -> {
          // Answers to requests that were not made.
        }
      }
    } catch (Buffer.BufferException e) {
      throw new ConnectionException(DisconnectReason.PROTOCOL_ERROR, e);
    }
  }

  private void confirmed(SSHPacket packet) throws Buffer.BufferException, SSHException {
    boolean late;
    int itsId = packet.readUInt32AsInt();
    long itsWindow = packet.readUInt32();
    long itsPacket = packet.readUInt32();
    lock.lock();
    try {
      established(itsId, itsWindow, itsPacket);
      late = abandoned;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (late) {
      sendClose();
    }
  }

  private void refused(SSHPacket packet) throws Buffer.BufferException {
    int code = packet.readUInt32AsInt();
    IOException refusal = TunnelFailures.refusal(code, packet.readString(), target);
    signal(() -> error = refusal);
    connection.forget(this);
  }

  private void widened(long more) {
    signal(() -> remoteWindow += more);
  }

  private void arrived(SSHPacket packet) throws Buffer.BufferException, SSHException {
    int length = packet.readUInt32AsInt();
    if (length < 0 || length > packet.available()) {
      throw new ConnectionException(
          DisconnectReason.PROTOCOL_ERROR, "a packet with a wrong length");
    }
    boolean tooMuch;
    traffic.received(length);
    lock.lock();
    try {
      tooMuch = !closed && !received.fits(length);
      if (!closed && !tooMuch) {
        received.add(packet.array(), packet.rpos(), length);
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
    if (tooMuch) {
      signal(() -> error = new SocketException("the other side sent more than it may"));
      sendClose();
    }
  }

  private void closedByOther() throws SSHException {
    // First, so that who hears of the end sees it in the counts.
    uncount();
    signal(
        () -> {
          eof = true;
          ended = true;
        });
    sendClose();
    connection.forget(this);
  }

  private void asked(SSHPacket packet) throws Buffer.BufferException, SSHException {
    packet.readString();
    if (packet.readBoolean()) {
      send(packet(Message.CHANNEL_FAILURE));
    }
  }

  @Override
  public void notifyError(SSHException lost) {
    uncount();
    signal(
        () -> {
          ended = true;
          if (error == null) {
            error = TunnelFailures.lost(lost);
          }
        });
  }

  private void signal(Runnable change) {
    lock.lock();
    try {
      change.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  // What goes out.

  private SSHPacket packet(Message message) {
    return new SSHPacket(message).putUInt32FromInt(recipient);
  }

  /**
   * Writes whole packets, as a socket does, whoever interrupts: while keys are renewed, sshj waits
   * before it writes anything, and fails when it is interrupted.
   */
  private void transmit(SSHPacket packet) throws TransportException {
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        try {
          connection.getTransport().write(packet);
          return;
        } catch (TransportException e) {
          if (!(e.getCause() instanceof InterruptedException)) {
            throw e;
          }
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void send(SSHPacket packet) throws TransportException {
    sending.lock();
    try {
      if (!closeSent) {
        transmit(packet);
      }
    } finally {
      sending.unlock();
    }
  }

  private void sendClose() throws TransportException {
    sending.lock();
    try {
      if (!closeSent) {
        closeSent = true;
        transmit(packet(Message.CHANNEL_CLOSE));
      }
    } finally {
      sending.unlock();
    }
  }

  /** Says that nothing more is written; reading goes on. */
  public void shutdownOutput() throws IOException {
    sending.lock();
    try {
      if (!eofSent && !closeSent) {
        eofSent = true;
        transmit(packet(Message.CHANNEL_EOF));
      }
    } finally {
      sending.unlock();
    }
  }

  private int read(byte[] bytes, int offset, int length, int timeoutMillis) throws IOException {
    if (length == 0) {
      return 0;
    }
    int taken;
    int more = 0;
    lock.lock();
    try {
      awaitBytes(timeoutMillis);
      if (received.count() == 0) {
        return -1;
      }
      taken = received.take(bytes, offset, length);
      consumed += taken;
      // Early, so that the other side never waits a round trip for it.
      if (consumed >= window / 8 && !eof && !ended) {
        more = consumed;
        consumed = 0;
      }
    } finally {
      lock.unlock();
    }
    if (more > 0) {
      send(packet(Message.CHANNEL_WINDOW_ADJUST).putUInt32(more));
    }
    return taken;
  }

  private void awaitBytes(int timeoutMillis) throws IOException {
    boolean interrupted = false;
    long left = TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    try {
      while (received.count() == 0) {
        if (closed) {
          throw new SocketException("Socket closed");
        }
        if (error != null) {
          throw again(error);
        }
        if (eof) {
          return;
        }
        try {
          if (timeoutMillis == 0) {
            changed.await();
          } else if (left <= 0) {
            throw new SocketTimeoutException("Read timed out");
          } else {
            left = changed.awaitNanos(left);
          }
        } catch (InterruptedException e) {
          // As with a socket: whoever wants to end it closes it.
          interrupted = true;
        }
      }
      if (closed) {
        throw new SocketException("Socket closed");
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void write(byte[] bytes, int offset, int length) throws IOException {
    int at = offset;
    int left = length;
    while (left > 0) {
      int now = awaitWindow(left);
      try {
        send(packet(Message.CHANNEL_DATA).putUInt32(now).putRawBytes(bytes, at, now));
      } catch (TransportException e) {
        notifyError(e);
        throw again(Objects.requireNonNull(error));
      }
      traffic.sent(now);
      at += now;
      left -= now;
    }
  }

  private int awaitWindow(int wanted) throws IOException {
    boolean interrupted = false;
    lock.lock();
    try {
      while (true) {
        if (closed) {
          throw new SocketException("Socket closed");
        }
        if (error != null) {
          throw again(error);
        }
        if (ended) {
          throw new SocketException("Connection reset by the other side of the tunnel");
        }
        if (remoteWindow > 0) {
          int now = (int) Math.min(Math.min(wanted, remotePacket), remoteWindow);
          remoteWindow -= now;
          return now;
        }
        try {
          changed.await();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** A fresh one for each who asks, with the first as its cause. */
  private static IOException again(IOException first) {
    SocketException again = new SocketException(first.getMessage());
    again.initCause(first.getCause() == null ? first : first.getCause());
    return again;
  }

  /** Ends both directions at once; what was not read is dropped. Does not wait. */
  @Override
  public void close() {
    boolean tell;
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      received.clear();
      tell = opened && error == null;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    uncount();
    if (tell) {
      try {
        sendClose();
      } catch (TransportException e) {
        // The connection is gone, and the channel with it.
        notifyError(e);
      }
    }
  }

  /**
   * The stream to read from; what it waits for is bounded.
   *
   * @param timeout gives the bound in milliseconds, 0 for none
   */
  InputStream input(IntSupplier timeout) {
    return new In(timeout);
  }

  @Override
  public InputStream getInputStream() {
    return in;
  }

  @Override
  public OutputStream getOutputStream() {
    return out;
  }

  private final class In extends InputStream {
    private final IntSupplier timeout;

    In() {
      this(() -> 0);
    }

    In(IntSupplier timeout) {
      this.timeout = timeout;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, bytes.length);
      return TunnelChannel.this.read(bytes, offset, length, timeout.getAsInt());
    }

    @Override
    public int available() {
      lock.lock();
      try {
        return received.count();
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      TunnelChannel.this.close();
    }
  }

  private final class Out extends OutputStream {
    @Override
    public void write(int value) throws IOException {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, bytes.length);
      TunnelChannel.this.write(bytes, offset, length);
    }

    @Override
    public void close() {
      TunnelChannel.this.close();
    }
  }

  // What sshj asks of a channel.

  @Override
  public int getID() {
    return id;
  }

  @Override
  public int getRecipient() {
    return recipient;
  }

  @Override
  public String getType() {
    return type;
  }

  @Override
  public boolean getAutoExpand() {
    return false;
  }

  @Override
  public void setAutoExpand(boolean ignored) {
    throw new UnsupportedOperationException("setAutoExpand");
  }

  @Override
  public int getLocalMaxPacketSize() {
    return PACKET;
  }

  @Override
  public long getLocalWinSize() {
    return window;
  }

  @Override
  public int getRemoteMaxPacketSize() {
    return remotePacket;
  }

  @Override
  public long getRemoteWinSize() {
    lock.lock();
    try {
      return remoteWindow;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Charset getRemoteCharset() {
    return StandardCharsets.UTF_8;
  }

  @Override
  public boolean isOpen() {
    lock.lock();
    try {
      return opened && !closed && !ended;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isEOF() {
    lock.lock();
    try {
      return eof;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void join() throws ConnectionException {
    join(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
  }

  @Override
  public void join(long timeout, TimeUnit unit) throws ConnectionException {
    lock.lock();
    try {
      long left = unit.toNanos(timeout);
      while (!ended && left > 0) {
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ConnectionException(e);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public LoggerFactory getLoggerFactory() {
    return connection.getTransport().getConfig().getLoggerFactory();
  }
}
