package io.fulmar.verify.fault;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Stands between a client and a server and resets connections (RST, not FIN) at a chosen moment.
 * What triggers a reset is never forwarded. This class is threadsafe; closing it resets whatever is
 * still open and ends its threads.
 */
public final class FaultyProxy implements AutoCloseable {
  private final ServerSocket listening;
  private final String host;
  private final int port;
  private final Set<Link> links = ConcurrentHashMap.newKeySet();
  private Moment moment = Moment.NEVER;
  private String marker = "";
  private long bytes;
  private int times;
  private int resets;
  private volatile boolean silent;

  private enum Moment {
    NEVER,
    CONNECT,
    CLIENT_SENDS,
    SERVER_SENDS,
    BYTES_AFTER
  }

  private FaultyProxy(ServerSocket listening, String host, int port) {
    this.listening = listening;
    this.host = host;
    this.port = port;
  }

  /** A proxy on a free port that forwards everything until told otherwise. */
  public static FaultyProxy before(String host, int port) {
    try {
      FaultyProxy proxy =
          new FaultyProxy(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), host, port);
      start("accept", proxy::accept);
      return proxy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where it listens, on this machine. */
  public int port() {
    return listening.getLocalPort();
  }

  /** Resets the next connections as soon as they are made. */
  public void resetOnConnect(int howOften) {
    set(Moment.CONNECT, "", 0, howOften);
  }

  /** Resets when the client sends a text, which the server never gets. */
  public void resetWhenClientSends(String text, int howOften) {
    set(Moment.CLIENT_SENDS, text, 0, howOften);
  }

  /** Resets when the server sends a text, which the client never gets. */
  public void resetWhenServerSends(String text, int howOften) {
    set(Moment.SERVER_SENDS, text, 0, howOften);
  }

  /** Resets when the server has sent so many bytes since the client sent a text. */
  public void resetAfterBytes(String text, long count, int howOften) {
    set(Moment.BYTES_AFTER, text, count, howOften);
  }

  private synchronized void set(Moment when, String text, long count, int howOften) {
    moment = when;
    marker = text;
    bytes = count;
    times = howOften;
    resets = 0;
  }

  /** Forwards everything from now on. */
  public void heal() {
    silent = false;
    set(Moment.NEVER, "", 0, 0);
  }

  /** From now on takes whatever is sent and forwards nothing, as a cable that is cut. */
  public void silence() {
    silent = true;
  }

  /** Resets all connections that are open; how many there were. */
  public int resetAll() {
    int count = links.size();
    links.forEach(Link::reset);
    return count;
  }

  /** How often the last fault that was set has come about. */
  public synchronized int resets() {
    return resets;
  }

  private synchronized boolean due(Moment when, String seen) {
    if (moment != when || resets >= times || !seen.contains(marker)) {
      return false;
    }
    resets++;
    return true;
  }

  private synchronized int overlap() {
    return Math.max(0, marker.length() - 1);
  }

  private synchronized boolean counts(String seen) {
    return moment == Moment.BYTES_AFTER && resets < times && seen.contains(marker);
  }

  private synchronized boolean dueAfter(long count) {
    if (moment != Moment.BYTES_AFTER || resets >= times || count <= bytes) {
      return false;
    }
    resets++;
    return true;
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        Socket client = listening.accept();
        if (due(Moment.CONNECT, "")) {
          client.setSoLinger(true, 0);
          client.close();
          continue;
        }
        Link link = new Link(client, new Socket(host, port));
        links.add(link);
        start("client", link::fromClient);
        start("server", link::fromServer);
      } catch (IOException e) {
        // Closed, or the server is gone; either shows in the test.
        continue;
      }
    }
  }

  private static void start(String name, Runnable work) {
    Thread thread = new Thread(work, "proxy-" + name);
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    listening.close();
    resetAll();
  }

  /** One connection. */
  private final class Link {
    private final Socket client;
    private final Socket server;
    private volatile boolean counting;
    private long counted;

    Link(Socket client, Socket server) {
      this.client = client;
      this.server = server;
    }

    void fromClient() {
      pump(
          client,
          server,
          (seen, length) -> {
            if (counts(seen)) {
              counting = true;
            }
            return due(Moment.CLIENT_SENDS, seen);
          });
    }

    void fromServer() {
      pump(
          server,
          client,
          (seen, length) -> {
            counted += counting ? length : 0;
            return due(Moment.SERVER_SENDS, seen) || (counting && dueAfter(counted));
          });
    }

    private void pump(Socket from, Socket to, Watch watch) {
      byte[] buffer = new byte[4_096];
      String before = "";
      try {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
          // A text may come in two parts, but one that has come already does not count again.
          before = before.substring(Math.max(0, before.length() - overlap()));
          String seen = before + new String(buffer, 0, length, StandardCharsets.ISO_8859_1);
          if (watch.isDue(seen, length)) {
            reset();
            return;
          }
          before = seen;
          if (!silent) {
            out.write(buffer, 0, length);
          }
        }
        links.remove(this);
        from.close();
        to.close();
      } catch (IOException e) {
        reset();
      }
    }

    void reset() {
      links.remove(this);
      for (Socket socket : new Socket[] {client, server}) {
        try {
          socket.setSoLinger(true, 0);
          socket.close();
        } catch (IOException e) {
          // Closed already.
          continue;
        }
      }
    }
  }

  /** Looks at what one side sends. */
  @FunctionalInterface
  private interface Watch {
    boolean isDue(String seen, int length);
  }
}
