import { App } from 'aws-cdk-lib';
import { readInstallation } from './config';
import { installForEks, installLatchkey } from './installation';

const app = new App();
const installation = readInstallation(process.env);
if (installation.eks) installForEks(app, installation, installation.eks);
else installLatchkey(app, installation);
app.synth();
