package io.fulmar.internal.postgres;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What one socket saw of a server before the log-in. Threadsafe. */
final class Contact {
  private static final int KEPT = 64;

  private String place = "";
  private Progress progress = Progress.RESOLVING;
  private @Nullable SocketAddress local;
  private byte[] answer = new byte[0];
  private boolean over;
  private @Nullable Refusal refusal;

  /**
   * Why a server is not taken for the right one.
   *
   * @param kind what is wrong with its certificate
   * @param fact the same in words
   */
  record Refusal(ConnectFailure.Kind kind, String fact) {}

  /** How far it got; what comes later includes what comes before. */
  enum Progress {
    /** The socket exists; its address is being looked up. */
    RESOLVING,
    /** The address is known, and was dialled. */
    DIALLING,
    /** Something accepted the connection. */
    CONNECTED,
    /** The application made the socket, and nothing is seen of it. */
    UNSEEN
  }

  synchronized void unseen() {
    progress = Progress.UNSEEN;
  }

  synchronized void dialling(SocketAddress address) {
    if (address instanceof InetSocketAddress inet) {
      place = inet.getHostString() + ":" + inet.getPort();
    }
    progress = Progress.DIALLING;
  }

  synchronized void connected(@Nullable SocketAddress ofThisMachine) {
    local = ofThisMachine;
    progress = Progress.CONNECTED;
  }

  /** Bytes that came; only the first are kept. */
  synchronized void received(byte[] buffer, int from, int length) {
    int room = over ? 0 : Math.min(length, KEPT - answer.length);
    if (room > 0) {
      int before = answer.length;
      answer = Arrays.copyOf(answer, before + room);
      System.arraycopy(buffer, from, answer, before, room);
    }
  }

  /** Whether nothing more is kept. */
  synchronized boolean isFull() {
    return over || answer.length == KEPT;
  }

  /** The connection is there, or is given up. */
  synchronized void end() {
    over = true;
  }

  synchronized void refuse(Refusal why) {
    refusal = why;
  }

  /** Null if nothing was wrong with its certificate, or none came. */
  synchronized @Nullable Refusal refusal() {
    return refusal;
  }

  /** This machine's end; null until something accepted the connection. */
  synchronized @Nullable SocketAddress local() {
    return local;
  }

  synchronized Progress progress() {
    return progress;
  }

  /** Host and port; empty until they are dialled. */
  synchronized String place() {
    return place;
  }

  /** The first bytes that came, at most 64. */
  synchronized byte[] answer() {
    return answer.clone();
  }
}
