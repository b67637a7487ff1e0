/** What desktops and servers have and phones lack: image files through ImageIO. */
package io.deem.desktop;
