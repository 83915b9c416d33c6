package io.fulmar.internal.postgres;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketAddress;

/** A socket that notes how far a connection got and what came first from the other side. */
final class WatchedSocket extends Socket {
  private final Contact contact;

  WatchedSocket(Contact contact) {
    this.contact = contact;
  }

  @Override
  public void connect(SocketAddress address) throws IOException {
    connect(address, 0);
  }

  @Override
  public void connect(SocketAddress address, int timeout) throws IOException {
    contact.dialling(address);
    super.connect(address, timeout);
    contact.connected(getLocalSocketAddress());
  }

  @Override
  public InputStream getInputStream() throws IOException {
    return new Watched(super.getInputStream(), contact);
  }

  /** Looks at what has come and was not read: a driver that is surprised reads no further. */
  @Override
  public void close() throws IOException {
    if (!contact.isFull() && isConnected() && !isClosed()) {
      try {
        InputStream in = super.getInputStream();
        byte[] rest = new byte[Math.min(in.available(), 64)];
        contact.received(rest, 0, Math.max(0, in.read(rest)));
      } catch (IOException e) {
        // Nothing came, then.
        contact.end();
      }
    }
    super.close();
  }

  private static final class Watched extends FilterInputStream {
    private final Contact contact;
    private boolean seen;

    Watched(InputStream in, Contact contact) {
      super(in);
      this.contact = contact;
    }

    @Override
    public int read() throws IOException {
      int value = super.read();
      if (!seen && value >= 0) {
        note(new byte[] {(byte) value}, 0, 1);
      }
      return value;
    }

    @Override
    public int read(byte[] buffer, int from, int length) throws IOException {
      int count = super.read(buffer, from, length);
      if (!seen && count > 0) {
        note(buffer, from, count);
      }
      return count;
    }

    private void note(byte[] buffer, int from, int count) {
      contact.received(buffer, from, count);
      seen = contact.isFull();
    }
  }
}
