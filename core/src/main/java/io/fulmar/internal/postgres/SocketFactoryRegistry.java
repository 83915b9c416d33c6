package io.fulmar.internal.postgres;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.SocketFactory;

/**
 * Lets pgjdbc, which takes a socket factory by class name and one string, find the factory object
 * of a source. The one static map of Fulmar; entries go when their {@link Connector} is closed.
 */
public final class SocketFactoryRegistry extends SocketFactory {
  private static final Map<String, SocketFactory> FACTORIES = new ConcurrentHashMap<>();

  private final SocketFactory factory;

  /**
   * Called by the driver.
   *
   * @param token what {@link #register} gave
   */
  public SocketFactoryRegistry(String token) {
    SocketFactory found = FACTORIES.get(token);
    if (found == null) {
      throw new IllegalStateException("the engine that this connection belongs to is closed");
    }
    this.factory = found;
  }

  static String register(SocketFactory factory) {
    String token = UUID.randomUUID().toString();
    FACTORIES.put(token, factory);
    return token;
  }

  static void forget(String token) {
    FACTORIES.remove(token);
  }

  @Override
  public Socket createSocket() throws IOException {
    return factory.createSocket();
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
}
