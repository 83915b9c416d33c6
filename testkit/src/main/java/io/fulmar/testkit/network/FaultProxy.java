package io.fulmar.testkit.network;

import io.fulmar.testkit.internal.network.ProtocolProxy;
import java.util.Objects;

/**
 * Stands between a client and a server, and does to their connections what networks do: late, thin
 * and chopped traffic, silence in one direction or both, resets, streams that end too early. When a
 * fault comes about can be said by what either side sends, so that PostgreSQL may be cut off just
 * between a {@code COMMIT} and its answer. It also counts round trips.
 *
 * <pre>{@code
 * try (FaultProxy proxy = FaultProxy.before("localhost", 5432)) {
 *   Source source = Source.builder().host("localhost").port(proxy.port())...build();
 *   proxy.silenceWhenClientSends("COMMIT", Direction.TO_CLIENT, 1); // committed, and nobody hears of it
 *   SyncReport report = engine.run(sync);
 *   assert proxy.happened() == 1;
 * }
 * }</pre>
 *
 * <p>One fault that waits for its moment is set at a time; setting another one, and {@link #heal},
 * drops it. Texts are looked for in the bytes as ISO 8859-1, also where they come in two packets;
 * they are not seen in connections with TLS. An empty text is there from the beginning of a
 * connection.
 *
 * <p>This class is thread-safe. It is to be closed by whoever made it, which resets the connections
 * that are open and ends its threads.
 */
public final class FaultProxy implements AutoCloseable {
  private final ProtocolProxy proxy;

  private FaultProxy(ProtocolProxy proxy) {
    this.proxy = proxy;
  }

  /**
   * A proxy on a free port of the loopback address, which forwards everything until told otherwise.
   *
   * @param host where the server is
   * @param port on which port, 1 to 65,535
   * @throws java.io.UncheckedIOException if no port is free
   */
  public static FaultProxy before(String host, int port) {
    Objects.requireNonNull(host, "host");
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("port must be 1 to 65535, is " + port);
    }
    return new FaultProxy(ProtocolProxy.before(host, port));
  }

  /** Where it listens, on this machine. */
  public int port() {
    return proxy.port();
  }

  /**
   * How bytes travel on the connections that are made from now on, each way.
   *
   * @param shape {@link Traffic#PLAIN} at the beginning
   */
  public void traffic(Traffic shape) {
    proxy.traffic(Objects.requireNonNull(shape, "shape"));
  }

  /**
   * From now on takes whatever is sent and forwards nothing, as a cable that is cut: on all
   * connections, those to come as well.
   */
  public void silence() {
    silence(Direction.BOTH);
  }

  /**
   * From now on takes what is sent one way, on all connections, and does not forward it.
   *
   * @param direction which way
   */
  public void silence(Direction direction) {
    proxy.silence(Objects.requireNonNull(direction, "direction"));
  }

  /**
   * Makes the connections that are open silent for good, as when the other machine lost its power;
   * new ones are not.
   *
   * @return how many there were
   */
  public int silenceOpen() {
    return proxy.silenceOpen();
  }

  /**
   * Resets all connections that are open (RST).
   *
   * @return how many there were
   */
  public int resetAll() {
    return proxy.resetAll();
  }

  /**
   * Resets the next connections as soon as they are made.
   *
   * @param times how many, 1 or more
   */
  public void resetOnConnect(int times) {
    proxy.resetOnConnect(atLeastOne(times));
  }

  /**
   * Resets when the client sends a text, which the server never gets.
   *
   * @param text part of what is sent
   * @param times how often, 1 or more
   */
  public void resetWhenClientSends(String text, int times) {
    proxy.resetWhenClientSends(Objects.requireNonNull(text, "text"), atLeastOne(times));
  }

  /**
   * Resets when the server sends a text, which the client never gets: {@code "COMMIT"} is what
   * PostgreSQL answers to a commit that is done.
   *
   * @param text part of what is sent
   * @param times how often, 1 or more
   */
  public void resetWhenServerSends(String text, int times) {
    proxy.resetWhenServerSends(Objects.requireNonNull(text, "text"), atLeastOne(times));
  }

  /**
   * Resets when the server has sent more than so many bytes since the client sent a text.
   *
   * @param text part of what is sent
   * @param bytes 0 or more
   * @param times how often, 1 or more
   */
  public void resetAfterBytes(String text, long bytes, int times) {
    proxy.resetAfterBytes(
        Objects.requireNonNull(text, "text"), notNegative(bytes), atLeastOne(times));
  }

  /**
   * Ends the stream to the client (FIN), as a server that closes it, after exactly so many bytes of
   * what the server has to say since the client sent a text. The other way stays open.
   *
   * @param text part of what is sent
   * @param bytes 0 or more
   * @param times how often, 1 or more
   */
  public void finishAfterBytes(String text, long bytes, int times) {
    proxy.finishAfterBytes(
        Objects.requireNonNull(text, "text"), notNegative(bytes), atLeastOne(times));
  }

  /**
   * On a connection on which the client sends a text, nothing goes that way any more, the text
   * included: with {@link Direction#TO_CLIENT} the server gets it and the client no answer.
   *
   * @param text part of what is sent
   * @param direction which way
   * @param times how often, 1 or more
   */
  public void silenceWhenClientSends(String text, Direction direction, int times) {
    proxy.silenceWhenClientSends(
        Objects.requireNonNull(text, "text"),
        Objects.requireNonNull(direction, "direction"),
        atLeastOne(times));
  }

  /**
   * Likewise, when the server has sent more than so many bytes since the client sent a text.
   *
   * @param text part of what is sent
   * @param bytes 0 or more
   * @param direction which way
   * @param times how often, 1 or more
   */
  public void silenceAfterBytes(String text, long bytes, Direction direction, int times) {
    proxy.silenceAfterBytes(
        Objects.requireNonNull(text, "text"),
        notNegative(bytes),
        Objects.requireNonNull(direction, "direction"),
        atLeastOne(times));
  }

  /**
   * Lets the fault that was set last go by so many times before it comes about.
   *
   * @param occasions 0 or more
   */
  public void skip(int occasions) {
    notNegative(occasions);
    proxy.skip(occasions);
  }

  /**
   * Forwards everything from now on, but on connections that have become silent. The {@link
   * #traffic} stays.
   */
  public void heal() {
    proxy.heal();
  }

  /** How often the fault that was set last has come about. */
  public int happened() {
    return proxy.happened();
  }

  /** How many connections have been made. */
  public int connections() {
    return proxy.connections();
  }

  /**
   * How often a client spoke after the server had, since the last call: what {@link Traffic#late
   * latency} multiplies.
   */
  public int takeRoundTrips() {
    return proxy.takeRoundTrips();
  }

  private static int atLeastOne(int times) {
    if (times < 1) {
      throw new IllegalArgumentException("times must be at least 1, is " + times);
    }
    return times;
  }

  private static long notNegative(long count) {
    if (count < 0) {
      throw new IllegalArgumentException("must be at least 0, is " + count);
    }
    return count;
  }

  /** Names the port. */
  @Override
  public String toString() {
    return "FaultProxy[port " + port() + "]";
  }

  /** Resets whatever is still open and ends its threads. */
  @Override
  public void close() {
    proxy.close();
  }
}
