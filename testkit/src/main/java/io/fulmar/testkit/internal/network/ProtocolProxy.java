package io.fulmar.testkit.internal.network;

import io.fulmar.testkit.network.Direction;
import io.fulmar.testkit.network.Traffic;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Stands between clients and a PostgreSQL server, and does to their connections what networks do:
 * resets, silence in one direction or both, late, thin and chopped traffic, streams that end inside
 * a message, and messages that are not what the server sent. It also counts round trips. One fault
 * is set at a time. This class is threadsafe; closing it resets whatever is still open and ends its
 * threads.
 */
public final class ProtocolProxy implements AutoCloseable {
  private final ServerSocket listening;
  private final String host;
  private final int port;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Set<ProxyLink> links = ConcurrentHashMap.newKeySet();
  private final FaultPlan plan = new FaultPlan();
  private final AtomicInteger roundTrips = new AtomicInteger();
  private final AtomicInteger answers = new AtomicInteger();
  private final AtomicInteger aliveChecks = new AtomicInteger();
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicInteger lostCancelRequests = new AtomicInteger();
  private volatile Traffic traffic = Traffic.PLAIN;
  private volatile @Nullable Direction silent;
  private volatile boolean losesCancelRequests;

  private ProtocolProxy(ServerSocket listening, String host, int port) {
    this.listening = listening;
    this.host = host;
    this.port = port;
  }

  /** A proxy on a free port that forwards everything until told otherwise. */
  public static ProtocolProxy before(String host, int port) {
    return at(0, host, port);
  }

  /**
   * Likewise, on a port of the caller's choice.
   *
   * @throws UncheckedIOException if the port is taken
   */
  public static ProtocolProxy at(int listenPort, String host, int port) {
    try {
      ProtocolProxy proxy =
          new ProtocolProxy(
              new ServerSocket(listenPort, 50, InetAddress.getLoopbackAddress()), host, port);
      start("accept", proxy::acceptAll);
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
    plan.onConnect(howOften);
  }

  /** Resets when the client sends a text, which the server never gets. */
  public void resetWhenClientSends(String text, int howOften) {
    plan.whenClientSends(text, FaultPlan.Effect.RESET, Direction.BOTH, howOften);
  }

  /** Resets when the server sends a text, which the client never gets. */
  public void resetWhenServerSends(String text, int howOften) {
    plan.whenServerSends(text, howOften);
  }

  /** Resets when the server has sent so many bytes since the client sent a text. */
  public void resetAfterBytes(String text, long count, int howOften) {
    plan.afterBytes(text, count, FaultPlan.Effect.RESET, Direction.BOTH, howOften);
  }

  /**
   * Ends the stream to the client, as a server that closes it, after exactly so many bytes of what
   * the server has to say since the client sent a text.
   */
  public void finishAfterBytes(String text, long count, int howOften) {
    plan.afterBytes(text, count, FaultPlan.Effect.FINISH, Direction.BOTH, howOften);
  }

  /** On a connection on which the client sends a text, nothing goes that way any more. */
  public void silenceWhenClientSends(String text, Direction direction, int howOften) {
    plan.whenClientSends(text, FaultPlan.Effect.SILENCE, direction, howOften);
  }

  /** Likewise, when the server has sent so many bytes since the client sent a text. */
  public void silenceAfterBytes(String text, long count, Direction direction, int howOften) {
    plan.afterBytes(text, count, FaultPlan.Effect.SILENCE, direction, howOften);
  }

  /** Lets the fault that was set last go by so many times before it comes about. */
  public void skip(int occasions) {
    plan.skip(occasions);
  }

  /** Changes what the server says on each connection, once the client has sent a text on it. */
  public void corrupt(String text, Corruption how) {
    plan.corrupt(text, how);
  }

  /** Forwards everything from now on, but on connections that are silent. */
  public void heal() {
    silent = null;
    losesCancelRequests = false;
    plan.never();
  }

  /** From now on takes whatever is sent and forwards nothing, as a cable that is cut. */
  public void silence(Direction direction) {
    silent = direction;
  }

  /** Makes the connections that are open half-open ones: how many there were. */
  public int silenceOpen() {
    links.forEach(link -> link.silence(Direction.BOTH));
    return links.size();
  }

  /** Takes requests to cancel and forwards none. */
  public void loseCancelRequests() {
    losesCancelRequests = true;
  }

  /** How many requests to cancel have been lost. */
  public int lostCancelRequests() {
    return lostCancelRequests.get();
  }

  /** How bytes travel on the connections that are made from now on, each way. */
  public void traffic(Traffic shape) {
    traffic = shape;
  }

  /** Resets all connections that are open; how many there were. */
  public int resetAll() {
    int count = links.size();
    links.forEach(ProxyLink::reset);
    return count;
  }

  /** How often the last fault that was set has come about. */
  public int happened() {
    return plan.happened();
  }

  /**
   * How often a client spoke after the server had, since the last call: what latency multiplies.
   */
  public int takeRoundTrips() {
    return roundTrips.getAndSet(0);
  }

  /**
   * How often the server has said since the last call that it is ready for the next query. Unlike
   * round trips, these are as many whether the answers to what is sent at once come together or
   * not.
   */
  public int takeAnswers() {
    return answers.getAndSet(0);
  }

  /**
   * How many of the round trips since the last call asked nothing but whether the connection still
   * lives: an empty statement, which is what {@code Connection.isValid} of pgjdbc sends.
   */
  public int takeAliveChecks() {
    return aliveChecks.getAndSet(0);
  }

  /** How many connections have been made. */
  public int connections() {
    return connections.get();
  }

  boolean isSilent(Direction way) {
    Direction now = silent;
    return now != null && includes(now, way);
  }

  boolean losesCancelRequests() {
    return losesCancelRequests;
  }

  void countLostCancelRequest() {
    lostCancelRequests.incrementAndGet();
  }

  void countRoundTrip() {
    roundTrips.incrementAndGet();
  }

  void countAnswer() {
    answers.incrementAndGet();
  }

  void countAliveCheck() {
    aliveChecks.incrementAndGet();
  }

  void forget(ProxyLink link) {
    links.remove(link);
  }

  private void acceptAll() {
    try {
      accept();
    } finally {
      ended.countDown();
    }
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        Socket client = listening.accept();
        connections.incrementAndGet();
        if (plan.isDueOnConnect()) {
          client.setSoLinger(true, 0);
          client.close();
          continue;
        }
        forward(client);
      } catch (IOException e) {
        // Closed, or a client that is gone already.
        continue;
      }
    }
  }

  private void forward(Socket client) throws IOException {
    try {
      ProxyLink link = new ProxyLink(this, plan, client, new Socket(host, port), traffic);
      links.add(link);
      start("client", link::fromClient);
      start("server", link::fromServer);
      if (listening.isClosed()) {
        link.reset();
      }
    } catch (IOException e) {
      // The server is gone, which the client has to see.
      client.close();
    }
  }

  static boolean includes(Direction direction, Direction one) {
    return direction == Direction.BOTH || direction == one;
  }

  static void start(String name, Runnable work) {
    Thread thread = new Thread(work, "proxy-" + name);
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() {
    try {
      listening.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    resetAll();
    awaitEnd();
  }

  /** Until the thread that accepts has noticed, the system goes on to make connections. */
  private void awaitEnd() {
    try {
      ended.await(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
