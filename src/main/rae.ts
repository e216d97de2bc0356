process.stdout.write('rae\n');
