package io.fulmar.testkit.internal.network;

import io.fulmar.testkit.network.Direction;
import io.fulmar.testkit.network.Traffic;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** One connection through a {@link ProtocolProxy}: a thread for each way. */
final class ProxyLink {
  /** PostgreSQL manual, "Message Formats", Query: with no statement in it. */
  private static final byte[] EMPTY_QUERY = {'Q', 0, 0, 0, 5, 0};

  /** PostgreSQL manual, "Message Formats", ReadyForQuery, without its last byte. */
  private static final byte[] READY = {'Z', 0, 0, 0, 5};

  private final ProtocolProxy proxy;
  private final FaultPlan plan;
  private final Socket client;
  private final Socket server;
  private final Wire toClient;
  private final Wire toServer;
  private final BackendMessages messages = new BackendMessages();
  private volatile @Nullable Direction silent;
  private volatile boolean begun;
  private boolean serverSpokeLast = true;
  private long counted;
  private int index;

  ProxyLink(ProtocolProxy proxy, FaultPlan plan, Socket client, Socket server, Traffic traffic)
      throws IOException {
    this.proxy = proxy;
    this.plan = plan;
    this.client = client;
    this.server = server;
    client.setTcpNoDelay(true);
    server.setTcpNoDelay(true);
    this.toClient = new Wire(client, traffic, 1);
    this.toServer = new Wire(server, traffic, 2);
    this.begun = plan.begins("");
  }

  void silence(Direction direction) {
    silent = direction;
  }

  void fromClient() {
    pump(client, this::clientSends, toServer);
  }

  void fromServer() {
    pump(server, this::serverSends, toClient);
  }

  private synchronized void speaks(boolean ofServer) {
    if (!ofServer && serverSpokeLast) {
      proxy.countRoundTrip();
    }
    serverSpokeLast = ofServer;
  }

  /** Looks at what one side sends and forwards it; false if nothing more is forwarded. */
  @FunctionalInterface
  private interface Side {
    boolean sends(byte[] bytes, int length, String seen) throws IOException;
  }

  private boolean clientSends(byte[] bytes, int length, String seen) throws IOException {
    speaks(false);
    if (Arrays.equals(bytes, 0, length, EMPTY_QUERY, 0, EMPTY_QUERY.length)) {
      proxy.countAliveCheck();
    }
    if (proxy.losesCancelRequests() && isCancelRequest(bytes, length)) {
      proxy.countLostCancelRequest();
      silent = Direction.BOTH;
    }
    if (plan.begins(seen)) {
      begun = true;
    }
    if (silent == null && plan.isDueAtClient(seen) && !comesAbout()) {
      return false;
    }
    if (!isSilent(Direction.TO_SERVER)) {
      toServer.send(bytes, 0, length);
    }
    return true;
  }

  private boolean serverSends(byte[] bytes, int length, String seen) throws IOException {
    speaks(true);
    for (int at = 0; at + READY.length < length; at++) {
      if (Arrays.equals(bytes, at, at + READY.length, READY, 0, READY.length)) {
        proxy.countAnswer();
      }
    }
    long before = counted;
    counted += begun ? length : 0;
    if (plan.isDueAtServer(seen) && !comesAbout()) {
      return false;
    }
    if (begun && silent == null && plan.isDueAfter(counted)) {
      if (plan.effect() == FaultPlan.Effect.FINISH) {
        toClient.send(bytes, 0, plan.allowed(before));
      }
      if (!comesAbout()) {
        return false;
      }
    }
    if (isSilent(Direction.TO_CLIENT)) {
      return true;
    }
    Corruption corruption = begun ? plan.corruption() : null;
    if (corruption == null) {
      toClient.send(bytes, 0, length);
    } else {
      for (byte[] message : messages.take(bytes, length)) {
        byte[] instead = corruption.of(index++, message);
        toClient.send(instead, 0, instead.length);
      }
    }
    return true;
  }

  /** Does what the plan says; true if the connection goes on. */
  private boolean comesAbout() throws IOException {
    switch (plan.effect()) {
      case RESET -> reset();
      case FINISH -> toClient.finish();
      case SILENCE -> silent = plan.direction();
    }
    return plan.effect() == FaultPlan.Effect.SILENCE;
  }

  private boolean isSilent(Direction way) {
    Direction now = silent;
    return proxy.isSilent(way) || (now != null && ProtocolProxy.includes(now, way));
  }

  /** PostgreSQL manual, "Message Formats", CancelRequest. */
  private static boolean isCancelRequest(byte[] bytes, int length) {
    ByteBuffer packet = ByteBuffer.wrap(bytes, 0, length);
    return length >= 16 && packet.getInt() == 16 && packet.getInt() == 80877102;
  }

  private void pump(Socket from, Side side, Wire to) {
    byte[] buffer = new byte[4_096];
    String before = "";
    try {
      InputStream in = from.getInputStream();
      for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
        // A text may come in two parts, but one that has come already does not count again.
        before = before.substring(Math.max(0, before.length() - plan.overlap()));
        String seen = before + new String(buffer, 0, length, StandardCharsets.ISO_8859_1);
        if (!side.sends(buffer, length, seen)) {
          return;
        }
        before = seen;
      }
      if (from == server && !isSilent(Direction.TO_CLIENT)) {
        to.finish();
      } else if (from == client) {
        proxy.forget(this);
        from.close();
        server.close();
      }
    } catch (IOException e) {
      reset();
    }
  }

  void reset() {
    proxy.forget(this);
    toClient.cut();
    toServer.cut();
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
