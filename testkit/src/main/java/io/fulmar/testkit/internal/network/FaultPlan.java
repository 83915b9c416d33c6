package io.fulmar.testkit.internal.network;

import io.fulmar.testkit.network.Direction;
import org.jspecify.annotations.Nullable;

/** Which fault comes about, when, and how often: one at a time. This class is threadsafe. */
final class FaultPlan {
  /** What happens to a connection. */
  enum Effect {
    /** Both ends get an RST; what triggered it is not forwarded. */
    RESET,
    /** The client gets a FIN after exactly the bytes that were named. */
    FINISH,
    /** What is sent from now on goes nowhere; what triggered it as well. */
    SILENCE
  }

  /** When it happens. */
  private enum Moment {
    NEVER,
    CONNECT,
    CLIENT_SENDS,
    SERVER_SENDS,
    BYTES_AFTER
  }

  private Moment moment = Moment.NEVER;
  private Effect effect = Effect.RESET;
  private Direction direction = Direction.BOTH;
  private String marker = "";
  private long bytes;
  private int times;
  private int happened;
  private int skipped;
  private @Nullable Corruption corruption;

  synchronized void never() {
    set(Moment.NEVER, Effect.RESET, "", 0);
    corruption = null;
  }

  synchronized void onConnect(int howOften) {
    set(Moment.CONNECT, Effect.RESET, "", howOften);
  }

  synchronized void whenClientSends(String text, Effect what, Direction where, int howOften) {
    set(Moment.CLIENT_SENDS, what, text, howOften);
    direction = where;
  }

  synchronized void whenServerSends(String text, int howOften) {
    set(Moment.SERVER_SENDS, Effect.RESET, text, howOften);
  }

  synchronized void afterBytes(
      String text, long count, Effect what, Direction where, int howOften) {
    set(Moment.BYTES_AFTER, what, text, howOften);
    bytes = count;
    direction = where;
  }

  synchronized void corrupt(String text, Corruption how) {
    set(Moment.NEVER, Effect.RESET, text, 0);
    corruption = how;
  }

  private void set(Moment when, Effect what, String text, int howOften) {
    moment = when;
    effect = what;
    marker = text;
    times = howOften;
    happened = 0;
    skipped = 0;
    direction = Direction.BOTH;
  }

  synchronized void skip(int occasions) {
    skipped = occasions;
  }

  synchronized int happened() {
    return happened;
  }

  synchronized Effect effect() {
    return effect;
  }

  synchronized Direction direction() {
    return direction;
  }

  /** What is done to the server's messages on a connection on which the text has been seen. */
  synchronized @Nullable Corruption corruption() {
    return corruption;
  }

  synchronized boolean isDueOnConnect() {
    return moment == Moment.CONNECT && isDue();
  }

  synchronized boolean isDueAtClient(String seen) {
    return moment == Moment.CLIENT_SENDS && seen.contains(marker) && isDue();
  }

  synchronized boolean isDueAtServer(String seen) {
    return moment == Moment.SERVER_SENDS && seen.contains(marker) && isDue();
  }

  synchronized boolean begins(String seen) {
    boolean awaited = corruption != null || (moment == Moment.BYTES_AFTER && happened < times);
    return awaited && seen.contains(marker);
  }

  synchronized boolean isDueAfter(long count) {
    return moment == Moment.BYTES_AFTER && count > bytes && isDue();
  }

  /** How many of the bytes that the server has sent since the text still go through. */
  synchronized int allowed(long countBefore) {
    return (int) Math.max(0, bytes - countBefore);
  }

  synchronized int overlap() {
    return Math.max(0, marker.length() - 1);
  }

  private boolean isDue() {
    if (happened >= times) {
      return false;
    }
    if (skipped > 0) {
      skipped--;
      return false;
    }
    happened++;
    return true;
  }
}
