package io.fulmar.internal.postgres;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.util.Base64;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Speaks PostgreSQL's protocol up to the log-in (PostgreSQL manual, "Message Formats") and asks for
 * what it was made to ask for; keeps what it was told.
 */
final class LogInServer implements AutoCloseable {
  private static final int CLEAR = 3;
  private static final int MD5 = 5;
  private static final int SASL = 10;
  private static final int SASL_CONTINUE = 11;

  private final StubServer server;
  private final AtomicReference<String> told = new AtomicReference<>("");

  private LogInServer(Asking asking) {
    server = StubServer.start(socket -> asking.ask(this, socket));
  }

  @FunctionalInterface
  private interface Asking {
    void ask(LogInServer server, Socket socket) throws IOException;
  }

  static LogInServer inClear() {
    return new LogInServer((server, socket) -> server.ask(socket, CLEAR, new byte[0]));
  }

  static LogInServer asMd5() {
    return new LogInServer((server, socket) -> server.ask(socket, MD5, new byte[] {1, 2, 3, 4}));
  }

  static LogInServer forNothing() {
    return new LogInServer((server, socket) -> server.ask(socket, 0, new byte[0]));
  }

  static LogInServer byScram(long iterations) {
    return new LogInServer(
        (server, socket) -> {
          byte[] mechanisms = "SCRAM-SHA-256\0\0".getBytes(UTF_8);
          String first = server.ask(socket, SASL, mechanisms);
          String nonce = first.substring(first.indexOf("r=") + 2);
          String salt = Base64.getEncoder().encodeToString("salt of the server".getBytes(UTF_8));
          String challenge = "r=" + nonce + "more,s=" + salt + ",i=" + iterations;
          server.send(socket, SASL_CONTINUE, challenge.getBytes(UTF_8));
          server.hear(socket);
        });
  }

  int port() {
    return server.port();
  }

  /** What the client sent last as an answer; empty for none. */
  String told() {
    return told.get();
  }

  private String ask(Socket socket, int method, byte[] more) throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    in.skipNBytes(in.readInt() - 4L);
    send(socket, method, more);
    return hear(socket);
  }

  private void send(Socket socket, int method, byte[] more) throws IOException {
    ByteArrayOutputStream message = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(message);
    out.writeByte('R');
    out.writeInt(8 + more.length);
    out.writeInt(method);
    out.write(more);
    socket.getOutputStream().write(message.toByteArray());
  }

  private String hear(Socket socket) throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    in.readByte();
    byte[] message = new byte[in.readInt() - 4];
    in.readFully(message);
    String text = new String(message, UTF_8);
    told.set(text);
    return text;
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
