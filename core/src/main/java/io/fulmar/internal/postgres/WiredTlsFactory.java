package io.fulmar.internal.postgres;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.ssl.SSLSocketFactory;

/** Puts encryption over a socket, as the attempt says that it belongs to. */
public final class WiredTlsFactory extends SSLSocketFactory {
  private final SSLSocketFactory factory;

  /**
   * Called by the driver.
   *
   * @param arg what {@link Wiring#begin} gave
   */
  public WiredTlsFactory(String arg) {
    ConnectAttempt attempt = Wiring.of(arg).attempt(arg);
    if (attempt == null) {
      throw new IllegalStateException("the attempt to connect is over");
    }
    this.factory = attempt.tls().getSocketFactory();
  }

  @Override
  public Socket createSocket(Socket socket, String host, int port, boolean autoClose)
      throws IOException {
    return factory.createSocket(socket, host, port, autoClose);
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return factory.createSocket(host, port);
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return factory.createSocket(host, port, localHost, localPort);
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return factory.createSocket(host, port);
  }

  @Override
  public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
      throws IOException {
    return factory.createSocket(address, port, localAddress, localPort);
  }

  @Override
  public String[] getDefaultCipherSuites() {
    return factory.getDefaultCipherSuites();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return factory.getSupportedCipherSuites();
  }
}
