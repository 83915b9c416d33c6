package io.fulmar.verify.engine;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.SocketFactory;

/** Plain sockets that are counted. Threadsafe. */
final class CountingSockets extends SocketFactory {
  private final AtomicInteger made = new AtomicInteger();

  /** How many there were. */
  int made() {
    return made.get();
  }

  @Override
  public Socket createSocket() {
    made.incrementAndGet();
    return new Socket();
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    throw new IOException("not used by the driver");
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress from, int fromPort)
      throws IOException {
    throw new IOException("not used by the driver");
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    throw new IOException("not used by the driver");
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress from, int fromPort)
      throws IOException {
    throw new IOException("not used by the driver");
  }
}
