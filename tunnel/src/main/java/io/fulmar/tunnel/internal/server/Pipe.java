package io.fulmar.tunnel.internal.server;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.channel.AbstractChannel;
import org.apache.sshd.common.channel.ChannelOutputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries bytes between a channel and a TCP connection, with a thread for each direction. Each side
 * may end its own direction first; a side that breaks off breaks off the other. What has come
 * through the channel and is not yet delivered is bounded by the window of the channel.
 *
 * <p>The library has its own, which ends both directions when one does, and leaves a thread behind
 * for each channel that is refused.
 */
final class Pipe {
  private static final Logger LOG = LoggerFactory.getLogger(Pipe.class);

  /** A database may think, and a reader pause, for as long as they like. */
  private static final Duration LONGEST_WAIT = Duration.ofDays(365);

  private static final byte[] FINISHED = {};
  private static final byte[] GONE = {};
  private static final int CHUNK_BYTES = 32 * 1024;

  private final AbstractChannel channel;
  private final Client client;
  private final BlockingQueue<byte[]> fromClient = new LinkedBlockingQueue<>();
  private final AtomicInteger directions = new AtomicInteger(2);

  Pipe(AbstractChannel channel, Client client) {
    this.channel = channel;
    this.client = client;
    channel.addCloseFutureListener(closed -> gone());
  }

  /** Takes what the client sends. */
  void received(byte[] data, int offset, long length) {
    client.heard();
    fromClient.add(Arrays.copyOfRange(data, offset, offset + (int) length));
  }

  /** The client sends nothing more. */
  void finished() {
    fromClient.add(FINISHED);
  }

  /** The client has closed the channel, or is gone itself. */
  void gone() {
    fromClient.add(GONE);
  }

  /** Passes on what the connection sends, until it ends. */
  void pumpToClient(Socket socket) {
    byte[] chunk = new byte[CHUNK_BYTES];
    try {
      ChannelOutputStream out =
          new ChannelOutputStream(
              channel,
              channel.getRemoteWindow(),
              LONGEST_WAIT,
              LOG,
              SshConstants.SSH_MSG_CHANNEL_DATA,
              true);
      InputStream in = socket.getInputStream();
      for (int length = in.read(chunk); length >= 0; length = in.read(chunk)) {
        out.write(chunk, 0, length);
        out.flush();
      }
      out.close();
      ended();
    } catch (IOException | RuntimeException e) {
      breakOff(socket);
    }
  }

  /** Passes on what the client sends, until it ends. */
  void pumpFromClient(Socket socket) {
    boolean finished = false;
    try {
      OutputStream out = socket.getOutputStream();
      while (true) {
        byte[] chunk = fromClient.take();
        if (chunk == GONE) {
          if (!finished) {
            reset(socket);
          }
          socket.close();
          return;
        } else if (chunk == FINISHED) {
          finished = true;
          socket.shutdownOutput();
          ended();
        } else {
          out.write(chunk);
          channel.getLocalWindow().release(chunk.length);
        }
      }
    } catch (IOException | RuntimeException e) {
      breakOff(socket);
    } catch (InterruptedException e) {
      breakOff(socket);
      Thread.currentThread().interrupt();
    }
  }

  private void ended() {
    if (directions.decrementAndGet() == 0) {
      channel.close(false);
    }
  }

  /** Ends both directions, and lets the connection know that this was no proper end. */
  private void breakOff(Socket socket) {
    channel.close(false);
    reset(socket);
  }

  /** Closes a connection so that its other side sees a reset. */
  static void reset(Socket socket) {
    try {
      socket.setSoLinger(true, 0);
      socket.close();
    } catch (IOException e) {
      // Closed already.
      return;
    }
  }
}
