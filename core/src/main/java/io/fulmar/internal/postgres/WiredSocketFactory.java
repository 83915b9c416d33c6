package io.fulmar.internal.postgres;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Makes the sockets of connections: the application's own, or plain ones that note what they see
 * until the connection is there.
 */
public final class WiredSocketFactory extends SocketFactory {
  private final @Nullable SocketFactory own;
  private final Wiring wiring;
  private final String arg;

  /**
   * Called by the driver.
   *
   * @param arg what {@link Wiring#begin} gave
   */
  public WiredSocketFactory(String arg) {
    this.wiring = Wiring.of(arg);
    this.own = wiring.sockets();
    this.arg = arg;
  }

  @Override
  public Socket createSocket() throws IOException {
    return own != null ? unseen(own.createSocket()) : plain();
  }

  private Socket unseen(Socket socket) {
    ConnectAttempt attempt = wiring.attempt(arg);
    if (attempt != null) {
      attempt.contact().unseen();
    }
    return socket;
  }

  private Socket plain() {
    ConnectAttempt attempt = wiring.attempt(arg);
    return attempt == null ? new Socket() : new WatchedSocket(attempt.contact());
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return own != null
        ? unseen(own.createSocket(host, port))
        : connected(plain(), new InetSocketAddress(host, port));
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return own != null
        ? unseen(own.createSocket(host, port, localHost, localPort))
        : connected(bound(localHost, localPort), new InetSocketAddress(host, port));
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return own != null
        ? unseen(own.createSocket(host, port))
        : connected(plain(), new InetSocketAddress(host, port));
  }

  @Override
  public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
      throws IOException {
    return own != null
        ? unseen(own.createSocket(address, port, localAddress, localPort))
        : connected(bound(localAddress, localPort), new InetSocketAddress(address, port));
  }

  private Socket bound(InetAddress localAddress, int localPort) throws IOException {
    Socket socket = plain();
    socket.bind(new InetSocketAddress(localAddress, localPort));
    return socket;
  }

  private static Socket connected(Socket socket, InetSocketAddress address) throws IOException {
    try {
      socket.connect(address);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }
}
